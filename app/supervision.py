"""supervisord as a child of the launcher: how it is started, spoken to, and stopped."""

import logging
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import IO, Any
from xmlrpc.client import Error as RPCError
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from app import embedded
from app.config import PROJECT, Settings
from app.data_dir import metrics_home, run_home, short_path
from app.logs import UNREAD
from app.on_demand import SUPERVISED
from app.outlet import Outlet

log = logging.getLogger(__name__)

STOP_SECONDS = 120
"""More than the stopwaitsecs of supervisord.conf together."""

PROGRAM = Path(__file__).with_name("supervisord.py")
CONFIGURATION = PROGRAM.with_suffix(".conf")


class Supervisor:
    """A running supervisord and its remote control."""

    def __init__(self, process: "subprocess.Popen[bytes]", environment: dict[str, str]) -> None:
        self.process = process
        self._address = f"unix://{environment['JI_RUN']}/supervisord.sock"
        self._password = environment["JI_PASSWORD"]

    def start(self, program: str) -> None:
        """Start a program of supervisord.conf, and again whenever it dies."""
        self._remote().startProcess(program, False)

    def fault(self) -> str | None:
        """Why it does not answer, or None."""
        try:
            self._remote().getState()
        except (OSError, HTTPException, RPCError) as error:
            return str(error)
        return None

    def _remote(self) -> Any:
        """A new remote control for each call, because a transport that failed once stays broken."""
        transport = SupervisorTransport("job-ingestion", self._password, self._address)
        return ServerProxy("http://localhost", transport).supervisor


@contextmanager
def supervised(settings: Settings) -> Iterator[Supervisor]:
    """Run supervisord inside this block, and with it the embedded servers; leaving it stops all, in order."""
    environment = _environment(settings)
    # Without its own folder among those that modules are looked for in (-P).
    command = [sys.executable, "-P", str(PROGRAM), "-c", str(CONFIGURATION)]
    if shutil.which("setpriv"):
        # Should the launcher be killed, supervisord ends in good order and with it everything else.
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    # A session of its own: Ctrl-C reaches the launcher alone, which then stops the others in order. The output goes
    # through a pipe, because supervisord opens its log by name, which it may not do with everybody's terminal.
    process = subprocess.Popen(
        command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    assert process.stdout is not None
    pump = Thread(target=_pass_on, args=(process.stdout,), daemon=True)
    pump.start()
    try:
        yield Supervisor(process, environment)
    finally:
        _end(process)
        pump.join(timeout=5)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stop supervisord, which stops the others in order; one that hangs is killed, and its children are leftovers."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def child_environment(settings: Settings) -> dict[str, str]:
    """What every process that belongs to this start is told: the settings, absolute, and that it is one of ours."""
    return {
        "LOG_FORMAT": "console" if sys.stdout.isatty() else "json",
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_home(settings.data_dir)),
        "PYTHONUNBUFFERED": "1",
        SUPERVISED: str(settings.data_dir),
    }


def _environment(settings: Settings) -> dict[str, str]:
    """What supervisord.conf reads besides."""
    data_dir = settings.data_dir
    postgres = embedded.postgres_command(data_dir, settings.connections) if settings.embedded_database else ["true"]
    commands = {
        "JI_POSTGRES": postgres,
        "JI_REDIS": embedded.redis_command(data_dir) if settings.embedded_redis else ["true"],
        "JI_PYTHON": [sys.executable],
    }
    return {
        **child_environment(settings),
        **{name: shlex.join(command) for name, command in commands.items()},
        "JI_EMBEDDED_POSTGRES": str(settings.embedded_database).lower(),
        "JI_EMBEDDED_REDIS": str(settings.embedded_redis).lower(),
        "JI_RUN": str(run_home(short_path(data_dir))),
        "JI_USER": str(os.geteuid()),
        "JI_PASSWORD": secrets.token_urlsafe(24),
    }


def _pass_on(stream: IO[bytes]) -> None:
    outlet = Outlet(sys.stdout.fileno())
    for line in stream:
        try:
            if dropped := outlet.write(line):
                log.warning(UNREAD, dropped)
        except OSError:
            # Nobody reads any more; the pipe must be emptied all the same, or supervisord would wait for us.
            continue
