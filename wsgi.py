"""Entry point of the web server and of the flask command line."""

import gc

# What is loaded stays: to look through it for rubbish again and again takes a fifth of the time of a start.
gc.disable()

from app import create_app

app = create_app()
# Nor is it looked through later; and processes that are forked from this one share its memory for longer.
gc.freeze()
gc.enable()
