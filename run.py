"""Entry point of ``make run``."""

import signal
import sys

# Stop signals that arrive during the imports are held back until the launcher can handle them.
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))

from app.launcher.main import main

sys.exit(main())
