"""The product whose reader makes no pause between two requests. Run as a program, this module is its ``run.py``."""

import signal
import sys
from functools import partial

from app.launcher import main as launcher
from app.launcher import processes
from tests.support.product import Product

MODULE = "tests.support.unpaced_product"
APPLICATION = "tests.support.unpaced_worker"


class UnpacedProduct(Product):
    """The whole product; only its reader has no pace."""

    @property
    def program(self) -> list[str]:
        """This module."""
        return ["-m", MODULE]


def main() -> int:
    """Run the launcher with that reader; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, launcher.STOP_SIGNALS)
    processes.reader = partial(processes.reader, application=APPLICATION)
    return launcher.main()


if __name__ == "__main__":
    sys.exit(main())
