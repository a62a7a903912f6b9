"""A bounded queue of log lines, and the thread that writes them. A stalled reader of the log blocks no process."""

import fcntl
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from threading import Event
from typing import Any

STDERR = 2

MAX_QUEUED_LINES = 5000
"""The maximum number of lines that wait to be written; further lines are dropped."""

DRAIN_TIMEOUT = 1.0
"""Seconds that a process waits at exit for its last lines to be written."""

DROPPED_MESSAGE = "%d log lines were dropped, because they were not read in time"

BlockingCall = Callable[[Callable[[bytes], None], tuple[bytes]], Any]
"""A way to call a function that may block."""


def call_directly(function: Callable[[bytes], None], arguments: tuple[bytes]) -> None:
    """Call the function in this thread."""
    function(*arguments)


class LineWriter:
    """A writer of whole lines to a file descriptor that several processes may share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._partial = False
        with suppress(OSError):
            # Another program may have left the terminal non-blocking.
            os.set_blocking(descriptor, True)

    def write(self, line: bytes) -> None:
        """Write a line, however long that blocks. Without a reader, or on a full disk, drop it."""
        # A write to a pipe above PIPE_BUF (4 KiB) is not atomic, so lines of several processes could mix. The kernel
        # releases the lock however its holder ends. Not every system can lock a pipe.
        with suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        with suppress(OSError):
            self._write(b"\n" + line if self._partial else line)
        with suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _write(self, rest: bytes) -> None:
        while rest:
            written = os.write(self._descriptor, rest)
            rest = rest[written:]
            self._partial = bool(rest)


class Listener(QueueListener):
    """The thread that writes. An event in the queue is set once every line before it has been written.

    It uses no handler: a handler holds a lock while it writes, and ``logging.shutdown`` would wait for that lock.
    """

    def __init__(self, queue: "SimpleQueue[Any]") -> None:
        super().__init__(queue)
        self.owner = os.getpid()
        self.lost = 0
        self.write_to(STDERR, call_directly)

    def write_to(self, descriptor: int, apply: BlockingCall) -> None:
        """Write to that descriptor from now on; ``apply`` calls the writing function, which may block."""
        self._writer, self._apply = LineWriter(descriptor), apply

    def handle(self, record: Any) -> None:
        """Write a line, only in the process that started the listener: a greenlet, unlike a thread, survives a fork."""
        if isinstance(record, Event):
            record.set()
        elif self.owner == os.getpid():
            try:
                self._apply(self._writer.write, (_encoded(record.getMessage()),))
            except Exception:  # if this thread ended, no further line would be written
                self.lost += 1


class LineHandler(QueueHandler):
    """A handler that puts formatted lines into the queue; it drops and counts them while the queue is full.

    The listener starts at the first line of a process, because threads do not survive a fork. The queue is a
    SimpleQueue, because its ``put`` is reentrant: a signal handler that logs may interrupt it.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[Any] = SimpleQueue()
        super().__init__(self._lines)
        self._listener: Listener | None = None
        self._dropped = 0

    def write_to(self, descriptor: int, apply: BlockingCall) -> None:
        """Write the lines of this process to that descriptor; see ``logs.start_listener``."""
        self._own_listener().write_to(descriptor, apply)

    def _own_listener(self) -> Listener:
        """Return the listener of this process; start it if there is none yet."""
        if self._listener is None or self._listener.owner != os.getpid():
            self._dropped, self._lines = 0, SimpleQueue()
            self._listener = Listener(self._lines)
            self._listener.start()
        return self._listener

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a formatted record, or drop it if the queue is full."""
        self._own_listener()
        if self._lines.qsize() >= MAX_QUEUED_LINES:
            self._dropped += 1
            return
        self._lines.put(record)
        self._report_dropped()

    def relay(self, line: str) -> None:
        """Queue a line unchanged."""
        self.acquire()
        try:
            self.enqueue(logging.makeLogRecord({"msg": line}))
        finally:
            self.release()

    def drain(self) -> None:
        """Wait until all lines of this process are written, at most DRAIN_TIMEOUT."""
        if self._listener and self._listener.owner == os.getpid():
            self._report_dropped()
            written = Event()
            self._lines.put(written)
            written.wait(DRAIN_TIMEOUT)

    def _report_dropped(self) -> None:
        if self._listener and self._listener.lost:
            self._dropped, self._listener.lost = self._dropped + self._listener.lost, 0
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            message = DROPPED_MESSAGE % dropped
            fields = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": message}
            self._lines.put(self.prepare(logging.makeLogRecord(fields)))


def _encoded(line: str) -> bytes:
    try:
        return f"{line}\n".encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot encode
        return f"{line}\n".encode("utf-8", "backslashreplace")
