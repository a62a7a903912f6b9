"""Writing to whoever reads our output, who may have stopped reading: a log may be late or short, and stops nobody.

A pipe that nobody empties (a supervisor that hangs, a terminal after Ctrl-S) takes 64 KiB; whoever writes the next line
waits for ever, and with him every request.
"""

import os
import select
from threading import Lock

PATIENCE_SECONDS = 0.5
"""How long the first line waits for a reader; while he stays away the next ones do not wait at all."""


class Outlet:
    """A file descriptor that is written to as long as somebody reads. Any thread may."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = Lock()
        self._dropped = 0
        self._torn = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, line: bytes) -> int:
        """Write a line, or drop it if nobody reads; returns how many were dropped before one that was written.

        Raises OSError when the reader is gone for good.
        """
        with self._lock:
            rest = b"\n" + line if self._torn else line
            while rest:
                if not self._poll.poll(0 if self._dropped else 1000 * PATIENCE_SECONDS):
                    self._dropped += 1
                    self._torn = self._torn or len(rest) < len(line)
                    return 0
                # What is ready takes so much without waiting.
                rest = rest[os.write(self._descriptor, rest[:select.PIPE_BUF]):]
            dropped, self._dropped, self._torn = self._dropped, 0, False
            return dropped
