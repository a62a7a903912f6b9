"""The product of the drills: the whole product with its own worker; only its reader has no pace.

Run as a program with the name of a component, this module keeps another node of it running, as another machine would.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from app.config.settings import PROJECT, Settings
from app.launcher import main as launcher
from app.launcher import processes
from app.launcher.supervisor import Program, Supervisor
from app.models import Component
from app.observability import logs
from tests.drills.sleep import sleep_for
from tests.support.unpaced_product import APPLICATION, UnpacedProduct
from tests.support.waiting import wait_until

MODULE = "tests.drills.drill_product"
HEARTBEAT_SINCE = "SELECT 1 FROM heartbeats WHERE component = %s AND instance LIKE %s AND at > %s"


class DrillProduct(UnpacedProduct):
    """The whole product, which can have a second worker or reader."""

    @contextmanager
    def second_node(self, component: Component = Component.WORKER) -> Iterator["subprocess.Popen[bytes]"]:
        """Keep a second worker or reader running inside this block; yield its supervisor."""
        began = datetime.now(UTC)
        environment = self.main_process(f"-n {component}").environ()
        with self.log.open("ab") as output:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", MODULE, component], cwd=PROJECT, env=environment, stdout=output, stderr=output
            )
        node = f"{component}2@%"
        try:
            wait_until(lambda: self.sql(HEARTBEAT_SINCE, component, node, began), 60, f"the second {component}")
            yield supervisor
        finally:
            supervisor.terminate()
            supervisor.wait(30)


def _second(component: Component, settings: Settings) -> Program:
    if component is Component.READER:
        return processes.reader(settings, APPLICATION, f"{component}2")
    return processes.worker(settings, name=f"{component}2")


def main() -> None:
    """Keep the second node running until SIGTERM."""
    settings = Settings.from_env()
    logs.configure(settings.log_format)
    supervisor = Supervisor()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.start(_second(Component(sys.argv[1]), settings))
        while True:
            supervisor.poll()
            sleep_for(launcher.POLL_INTERVAL)
    except KeyboardInterrupt:
        supervisor.stop()


if __name__ == "__main__":
    main()
