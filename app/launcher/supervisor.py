"""Processes that are kept running: each is started again when it ends, and all are stopped in order.

All work is done by the thread that calls. The kernel sends a process its stop signal when the *thread* that forked it
ends, so it has to be a thread that lives as long as the product.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO

import structlog

from app.config.settings import PROJECT
from app.observability import logs

log = structlog.get_logger(__name__)

MIN_UPTIME_SECONDS = 5.0
"""A process that ends earlier than this after its start is started again after a pause."""

MIN_RESTART_DELAY, MAX_RESTART_DELAY = 0.5, 10.0
"""Seconds; the pause doubles with each such end."""

MAX_LINE_BYTES = 2**18
"""A longer line is passed on in pieces."""

DRAIN_TIMEOUT = 1.0
"""Seconds in which what a stopped process left in its pipe is read."""


@dataclass(frozen=True)
class Program:
    """A command line, and how it is stopped."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_timeout: float
    """Seconds until it is killed."""
    stop_signal: signal.Signals = signal.SIGTERM
    logs_stdout: bool = True
    """Pass on stdout beside stderr; else it is discarded."""


class SupervisedProcess:
    """One program and its current process."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._due = self._started = self._pause = 0.0

    def tend(self) -> None:
        """Start the process if it is due, or note that it has ended."""
        if self.process is None:
            if time.monotonic() >= self._due:
                self._start()
        elif (code := self.process.poll()) is not None:
            self._kill_group()
            self.process = None
            self._put_off()
            log.warning("process ended", process=self.program.name, code=code, pause_seconds=self._pause)

    def terminate(self) -> None:
        """Send the stop signal."""
        if self.process:
            self.process.send_signal(self.program.stop_signal)

    def wait(self, seconds: float) -> None:
        """Wait for the end; after that many seconds, kill."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            log.warning("process killed", process=self.program.name)
        self._kill_group()
        self.process.wait()
        if self._reader:
            self._reader.join(DRAIN_TIMEOUT)

    def _start(self) -> None:
        self._started = time.monotonic()
        try:
            self.process = _popen(self.program)
        except OSError as error:
            self._put_off()
            log.warning("process not started", process=self.program.name, reason=error.strerror)
            return
        # A pipe for each process, and a thread that always empties it: none waits for a reader of our log.
        stream = self.process.stdout or self.process.stderr
        self._reader = Thread(target=_relay, args=(stream,), daemon=True)
        self._reader.start()
        log.info("process started", process=self.program.name, pid=self.process.pid)

    def _put_off(self) -> None:
        """Start again at once what was steady, and everything else after a growing pause."""
        lived = time.monotonic() - self._started
        self._pause = min(max(MIN_RESTART_DELAY, 2 * self._pause), MAX_RESTART_DELAY) if lived < MIN_UPTIME_SECONDS else 0.0
        self._due = time.monotonic() + self._pause

    def _kill_group(self) -> None:
        """Kill the process and what it started in its session."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Groups of programs; the last that was started is the first that is stopped."""

    def __init__(self) -> None:
        self._groups: list[list[SupervisedProcess]] = []

    def start(self, *programs: Program) -> None:
        """Start programs that do not depend on each other, and keep them running."""
        self._groups.append([SupervisedProcess(program) for program in programs])
        self.tend()

    def tend(self) -> None:
        """Start again what has ended. To be called several times a second."""
        for group in self._groups:
            for kept in group:
                kept.tend()

    def stop(self) -> None:
        """Stop all, group by group; a process that takes longer than its stop_timeout is killed."""
        while self._groups:
            group = self._groups.pop()
            began = time.monotonic()
            for kept in group:
                kept.terminate()
            for kept in group:
                kept.wait(began + kept.program.stop_timeout - time.monotonic())


def with_parent_death_signal(command: Sequence[str], stop_signal: signal.Signals) -> list[str]:
    """Return the command such that the kernel sends it the signal when the launcher is killed.

    A change of user clears that request. So where the command begins with a ``setpriv`` that changes the user, the same
    one makes the request, which it does last.
    """
    if not shutil.which("setpriv"):
        return list(command)
    rest = command[1:] if command[0] == "setpriv" else command
    return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), *rest]


def _popen(program: Program) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own: Ctrl-C reaches the launcher alone, which then stops the others in order.

    The files that it makes are private.
    """
    return subprocess.Popen(
        with_parent_death_signal(program.command, program.stop_signal),
        env=program.environment,
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program.logs_stdout else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if program.logs_stdout else subprocess.PIPE,
        start_new_session=True,
        umask=0o077,
    )


def _relay(stream: IO[bytes]) -> None:
    with stream:
        while line := stream.readline(MAX_LINE_BYTES):
            logs.relay(line)
