"""A supervisor: it restarts each process that ends, and stops all in order.

It works in the calling thread. The kernel signals a child when the *thread* that forked it ends (PR_SET_PDEATHSIG), so
that thread must live as long as the product.
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
"""A process that ends sooner after its start is restarted with a delay."""

MIN_RESTART_DELAY, MAX_RESTART_DELAY = 0.5, 10.0
"""Seconds; the delay doubles each time a process ends too soon."""

MAX_LINE_BYTES = 2**18
"""Longer lines are passed on in pieces."""

DRAIN_TIMEOUT = 1.0
"""Seconds to read the rest of a stopped process's output."""


@dataclass(frozen=True)
class Program:
    """A command line with its environment, and the way to stop it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_timeout: float
    """Seconds from the stop signal until the process is killed."""
    stop_signal: signal.Signals = signal.SIGTERM
    logs_stdout: bool = True
    """Pass stdout on with stderr; if False, discard it."""


class SupervisedProcess:
    """A program and its current process."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._restart_at = self._started = self._delay = 0.0

    def poll(self) -> None:
        """Start the process if that is due; if it has ended, log that and schedule its restart."""
        if self.process is None:
            if time.monotonic() >= self._restart_at:
                self._start()
        elif (code := self.process.poll()) is not None:
            self._kill_group()
            self.process = None
            self._schedule_restart()
            log.warning("process ended", process=self.program.name, code=code, pause_seconds=self._delay)

    def terminate(self) -> None:
        """Send the stop signal."""
        if self.process:
            self.process.send_signal(self.program.stop_signal)

    def wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the process to end; then kill it and all its children that are left."""
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
            self._schedule_restart()
            log.warning("process not started", process=self.program.name, reason=error.strerror)
            return
        # A thread drains each process's pipe, so no process blocks when the log is read slowly.
        stream = self.process.stdout or self.process.stderr
        self._reader = Thread(target=_relay, args=(stream,), daemon=True)
        self._reader.start()
        log.info("process started", process=self.program.name, pid=self.process.pid)

    def _schedule_restart(self) -> None:
        """Restart at once after MIN_UPTIME_SECONDS; after a shorter life, with a delay that grows."""
        now = time.monotonic()
        longer = min(max(MIN_RESTART_DELAY, 2 * self._delay), MAX_RESTART_DELAY)
        self._delay = longer if now - self._started < MIN_UPTIME_SECONDS else 0.0
        self._restart_at = now + self._delay

    def _kill_group(self) -> None:
        """Kill the process and its children."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Groups of programs; the group started last is stopped first."""

    def __init__(self) -> None:
        self._groups: list[list[SupervisedProcess]] = []

    def start(self, *programs: Program) -> None:
        """Start programs that do not depend on each other, and keep them running."""
        self._groups.append([SupervisedProcess(program) for program in programs])
        self.poll()

    def poll(self) -> None:
        """Restart the processes that have ended. Call it several times a second."""
        for group in self._groups:
            for process in group:
                process.poll()

    def stop(self) -> None:
        """Stop the groups one after another; kill a process that exceeds its ``stop_timeout``."""
        while self._groups:
            group = self._groups.pop()
            signalled = time.monotonic()
            for process in group:
                process.terminate()
            for process in group:
                process.wait(signalled + process.program.stop_timeout - time.monotonic())


def with_parent_death_signal(command: Sequence[str], stop_signal: signal.Signals) -> list[str]:
    """Wrap the command so that the kernel sends it ``stop_signal`` when the launcher dies.

    A change of user clears this setting. A command that already starts with ``setpriv`` gets the option added, to be
    applied after the change.
    """
    if not shutil.which("setpriv"):
        return list(command)
    rest = command[1:] if command[0] == "setpriv" else command
    return ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), *rest]


def _popen(program: Program) -> "subprocess.Popen[bytes]":
    """Start a program in its own session, so that Ctrl-C reaches the launcher alone, which stops the others in order.

    Files that it creates are private.
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
