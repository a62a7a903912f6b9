"""Entry point of ``make run``."""

import gc
import signal
import sys

# A stop that is asked for while the program is still being loaded waits until main() can carry it out.
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
# As in wsgi.py.
gc.disable()

from app.launcher.main import main

gc.enable()
sys.exit(main())
