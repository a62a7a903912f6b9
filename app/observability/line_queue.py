"""A bounded queue of log lines and the thread that writes them: a reader who has stopped reading stops nobody."""

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
"""Lines that may wait to be written. Above this, each new one is dropped."""

DRAIN_TIMEOUT = 1.0
"""Seconds that a process waits at its end for its last lines to be written."""

DROPPED_MESSAGE = "%d lines of the log were dropped, because nobody read them"

BlockingCall = Callable[[Callable[[bytes], None], tuple[bytes]], Any]
"""A way to call a function that may block."""


def call_directly(function: Callable[[bytes], None], arguments: tuple[bytes]) -> None:
    """Call it here and now."""
    function(*arguments)


class LineWriter:
    """A file descriptor that takes whole lines, whichever processes share it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False
        with suppress(OSError):
            # A terminal may have been left non-blocking by another program.
            os.set_blocking(descriptor, True)

    def write(self, line: bytes) -> None:
        """Write a line, and wait as long as that takes; without a reader, or on a full disk, drop it."""
        # More than a page may be written to a pipe in several pieces. The lock keeps other processes out of a line, and
        # the kernel releases it, however its holder ends. Not every system can lock a pipe.
        with suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        with suppress(OSError):
            self._write(b"\n" + line if self._torn else line)
        with suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _write(self, rest: bytes) -> None:
        while rest:
            written = os.write(self._descriptor, rest)
            rest = rest[written:]
            self._torn = bool(rest)


class Listener(QueueListener):
    """The thread that writes; an event in the queue is set when everything before it has been written.

    It writes by itself: a handler holds its lock while it writes, and ``logging.shutdown`` would wait for that.
    """

    def __init__(self, queue: "SimpleQueue[Any]") -> None:
        super().__init__(queue)
        self.owner = os.getpid()
        self.lost = 0
        self.write_to(STDERR, call_directly)

    def write_to(self, descriptor: int, apply: BlockingCall) -> None:
        """Write the next lines to that descriptor, calling what may block by way of ``apply``."""
        self._writer, self._apply = LineWriter(descriptor), apply

    def handle(self, record: Any) -> None:
        """Write a line, in the process that began to listen: a greenlet, unlike a thread, survives a fork."""
        if isinstance(record, Event):
            record.set()
        elif self.owner == os.getpid():
            try:
                self._apply(self._writer.write, (_encoded(record.getMessage()),))
            except Exception:  # whatever it is, the thread must not end: no line would be written any more
                self.lost += 1


class LineHandler(QueueHandler):
    """Puts formatted lines into the queue; drops and counts them while it is full.

    The listener starts with the first line of a process, because threads do not survive a fork. The queue is a
    SimpleQueue, whose ``put`` may be interrupted by a signal that logs, too.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[Any] = SimpleQueue()
        super().__init__(self._lines)
        self._listener: Listener | None = None
        self._dropped = 0

    def write_to(self, descriptor: int, apply: BlockingCall) -> None:
        """Write the lines of this process to that descriptor; see ``start_listener``."""
        self._own_listener().write_to(descriptor, apply)

    def _own_listener(self) -> Listener:
        """Return the listener of this process, and start it if there is none yet."""
        if self._listener is None or self._listener.owner != os.getpid():
            self._dropped, self._lines = 0, SimpleQueue()
            self._listener = Listener(self._lines)
            self._listener.start()
        return self._listener

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand a formatted record to the listener, or drop it."""
        self._own_listener()
        if self._lines.qsize() >= MAX_QUEUED_LINES:
            self._dropped += 1
            return
        self._lines.put(record)
        self._tell_dropped()

    def relay(self, line: str) -> None:
        """Hand over a line as it is."""
        self.acquire()
        try:
            self.enqueue(logging.makeLogRecord({"msg": line}))
        finally:
            self.release()

    def drain(self) -> None:
        """Wait until all lines of this process are written, for DRAIN_TIMEOUT at most."""
        if self._listener and self._listener.owner == os.getpid():
            self._tell_dropped()
            written = Event()
            self._lines.put(written)
            written.wait(DRAIN_TIMEOUT)

    def _tell_dropped(self) -> None:
        if self._listener and self._listener.lost:
            self._dropped, self._listener.lost = self._dropped + self._listener.lost, 0
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            about = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": DROPPED_MESSAGE % dropped}
            self._lines.put(self.prepare(logging.makeLogRecord(about)))


def _encoded(line: str) -> bytes:
    try:
        return f"{line}\n".encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character, which only UTF-16 can hold
        return f"{line}\n".encode("utf-8", "backslashreplace")
