"""Entry point of ``make run``."""

import signal
import sys

# A signal that arrives while the program is being loaded is kept until it can be handled.
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))

from app.launcher.main import main

sys.exit(main())
