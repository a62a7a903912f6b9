"""Entry point of the worker: ``celery -A celery_worker worker``."""

import gc

# As in wsgi.py.
gc.disable()

from app import create_app

celery = create_app().extensions["celery"]
gc.freeze()
gc.enable()
