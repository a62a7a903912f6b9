"""Writing to whoever reads our output, who may have stopped reading: a log may be late or short, and stops nobody.

A pipe that nobody empties (a supervisor that hangs, a terminal after Ctrl-S) takes 64 KiB; whoever writes the next line
waits for ever, and with him every request.
"""

import os
import select
import stat
from contextlib import suppress
from threading import Lock

PATIENCE_SECONDS = 0.5
"""How long the first line waits for a reader; while he stays away the next ones do not wait at all."""


class Outlet:
    """A file descriptor that is written to as long as somebody reads. Any thread may."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._portion = _without_waiting(descriptor)
        self._lock = Lock()
        self._dropped = 0
        self._torn = False
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._own = self._descriptor != descriptor

    def __del__(self) -> None:
        """Close what nobody else can."""
        if getattr(self, "_own", False):
            os.close(self._descriptor)

    def write(self, line: bytes) -> int:
        """Write a line, or drop it if nobody reads; returns how many were dropped before one that was written.

        Raises OSError when the reader is gone for good.
        """
        with self._lock:
            rest = b"\n" + line if self._torn else line
            while rest:
                if not (written := self._write(rest)):
                    self._dropped += 1
                    return 0
                rest = rest[written:]
                self._torn = bool(rest)
            dropped, self._dropped = self._dropped, 0
            return dropped

    def _write(self, rest: bytes) -> int:
        """Write as much as there is room for; returns how much that was. Raises OSError."""
        if not self._poll.poll(0 if self._dropped else 1000 * PATIENCE_SECONDS):
            return 0
        try:
            # In one go, which nobody else gets into as long as there is room for all of it. A terminal may take a
            # single byte, or none after all.
            return os.write(self._descriptor, rest[: self._portion])
        except BlockingIOError:
            return 0


def _without_waiting(descriptor: int) -> tuple[int, int | None]:
    """The same pipe or terminal, opened once more: the flag that a write must not wait is then ours alone.

    What cannot be opened so is taken as it is, and so is a file, which never makes anybody wait. With it comes how many
    bytes may be written in one go: any number, where that does not wait, and else what has room whenever there is any.
    """
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor, None
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        with suppress(OSError):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), None
    return descriptor, select.PIPE_BUF
