"""Entry point of ``make run``."""

import gc
import signal
import sys

# Whoever asks for a stop while the program is still being loaded is heard as soon as it can answer.
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
# As in wsgi.py.
gc.disable()

from app.launcher import main

gc.enable()
sys.exit(main())
