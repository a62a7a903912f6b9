"""The product with the simulated worker.

Run as a program, this module is ``run.py`` with that worker. With the argument ``second`` it keeps a second worker
running.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from app.config.settings import PROJECT, Settings
from app.launcher import main as launcher
from app.launcher import processes
from app.launcher.supervisor import Supervisor
from app.observability import logs
from tests.drills.sleep import sleep_for
from tests.support.product import Product
from tests.support.waiting import wait_until

MODULE = "tests.drills.simulated_product"
SECOND = "second"

SECOND_NODE = "worker2"

HEARTBEAT_SINCE = "SELECT 1 FROM heartbeats WHERE component = 'worker' AND instance LIKE %s AND at > %s"

APPLICATION = "tests.drills.simulated_worker"


class SimulatedProduct(Product):
    """The whole product; only its worker loads the simulated ingestion."""

    def __init__(self, data_dir: Path, measured: bool = False, **environment: str) -> None:
        super().__init__(data_dir, measured, **environment)

    @property
    def program(self) -> list[str]:
        """This module."""
        return ["-m", MODULE]

    @contextmanager
    def second_worker(self) -> Iterator[None]:
        """Keep a second worker running inside this block."""
        began = datetime.now(UTC)
        environment = self.main_process("-n worker").environ()
        with self.log.open("ab") as output:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", MODULE, SECOND], cwd=PROJECT, env=environment, stdout=output, stderr=output
            )
        try:
            wait_until(lambda: self.sql(HEARTBEAT_SINCE, f"{SECOND_NODE}@%", began), 60, "the second worker")
            yield
        finally:
            supervisor.terminate()
            supervisor.wait(30)


def main() -> int:
    """Run the launcher with the simulated worker; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, launcher.STOP_SIGNALS)
    processes.worker = partial(processes.worker, application=APPLICATION)
    return launcher.main()


def keep_second_worker() -> None:
    """Keep the second worker running until SIGTERM."""
    settings = Settings.from_env()
    logs.configure(settings.log_format)
    supervisor = Supervisor()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.start(processes.worker(settings, APPLICATION, SECOND_NODE))
        while True:
            supervisor.poll()
            sleep_for(launcher.POLL_INTERVAL)
    except KeyboardInterrupt:
        supervisor.stop()


if __name__ == "__main__":
    sys.exit(keep_second_worker() if sys.argv[1:] == [SECOND] else main())
