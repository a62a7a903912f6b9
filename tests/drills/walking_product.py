"""The product, with the walking worker in place of the placeholder's; run as a program it is ``run.py``."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from app import launcher, supervision
from tests.support.product import Product
from tests.support.waiting import wait_until

CONFIGURATION = "WALKING_CONFIGURATION"
SECOND, NODE = "worker2", "second"

LIVING = "SELECT 1 FROM heartbeats WHERE component = 'worker' AND instance LIKE %s AND at > %s"


class WalkingProduct(Product):
    """Supervised exactly as ever; only which application the worker loads is another."""

    def __init__(self, data_dir: Path, measured: bool = False, **environment: str) -> None:
        super().__init__(data_dir, measured, **environment)
        self.environment[CONFIGURATION] = str(data_dir / "walking supervisord.conf")

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the launcher and return at once."""
        text = supervision.CONFIGURATION.read_text()
        walking = text.replace("-A celery_worker", "-A tests.drills.walking_worker")
        assert walking != text
        begin = walking.index("[program:worker]")
        program = walking[begin:walking.index("[program:", begin + 1)].replace("program:worker", f"program:{SECOND}")
        second = program.replace(" worker --", f" worker -n {NODE}@%%h --")
        Path(self.environment[CONFIGURATION]).write_text(f"{walking}\n{second}")
        return super().launch()

    @property
    def program(self) -> list[str]:
        """This module, which makes the launcher read the other configuration."""
        return ["-m", "tests.drills.walking_product"]

    @contextmanager
    def second_worker(self) -> Iterator[None]:
        """A second worker, supervised as the first is, inside this block."""
        began = datetime.now(UTC)
        self._supervisor().startProcess(SECOND, False)
        try:
            wait_until(lambda: self.sql(LIVING, f"{NODE}@%", began), 60, "the second worker")
            yield
        finally:
            self._supervisor().stopProcess(SECOND)

    def _supervisor(self) -> Any:
        environment = self.main_process("supervisord.conf").environ()
        address = f"unix://{environment['JI_RUN']}/supervisord.sock"
        transport = SupervisorTransport("job-ingestion", environment["JI_PASSWORD"], address)
        return ServerProxy("http://localhost", transport).supervisor


def main() -> int:
    """As ``run.py``."""
    signal.pthread_sigmask(signal.SIG_BLOCK, launcher.STOP_SIGNALS)
    supervision.CONFIGURATION = Path(os.environ[CONFIGURATION])
    return launcher.main()


if __name__ == "__main__":
    sys.exit(main())
