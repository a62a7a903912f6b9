"""Files of metrics on a disk that may be full: a process that cannot have its file counts in memory.

prometheus_client makes its files longer without taking the room, and writes to them by way of mmap. Where the disk is
full by then, such a write is no error that could be caught: the kernel ends the process, with all that it was answering
(SIGBUS). So the room is taken first, by writing, which can fail in good order.
"""

import mmap
import os
import tempfile
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

log = structlog.get_logger(__name__)

FIRST_BYTES = 1 << 16
"""As long as prometheus_client makes a new file."""

OPENED = "/dev/fd/"
"""Where what is open already can be opened once more."""

ENTRY_BYTES = 64
"""More than an entry has besides its key."""


class RoomyDict(MmapedDict):
    """The library's, in a file whose every byte has its place on the disk, or in memory."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        name = filename if read_mode else _with_room(filename)
        super().__init__(name, read_mode)
        if name.startswith(OPENED):
            os.close(int(name.removeprefix(OPENED)))

    def _init_value(self, key: str) -> None:
        """Add an entry; the library makes the file twice as long if it is full."""
        if self._used + len(key.encode()) + ENTRY_BYTES > self._capacity:
            try:
                _lengthen(self._f.fileno(), 2 * self._capacity)
            except OSError as error:
                self._go_on_in_memory(error)
        super()._init_value(key)

    def _go_on_in_memory(self, error: OSError) -> None:
        _warn(error)
        name = _memory()
        spare = open(name, "a+b", buffering=0)
        if name.startswith(OPENED):
            os.close(int(name.removeprefix(OPENED)))
        spare.write(self._m[:])
        self._m = mmap.mmap(spare.fileno(), self._capacity)
        self._f, abandoned = spare, self._f
        abandoned.close()


def install() -> None:
    """Make prometheus_client use it. Before the first metric is made."""
    library: Any = values
    library.MmapedDict = RoomyDict


def _with_room(filename: str) -> str:
    """That file, its first bytes written; or one in memory, if there is no room."""
    try:
        file = os.open(filename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _lengthen(file, FIRST_BYTES)
        finally:
            os.close(file)
        return filename
    except OSError as error:
        _warn(error)
        with suppress(OSError):
            # Whoever adds the files up could not read it.
            os.unlink(filename)
        return _memory()


def _lengthen(file: int, size: int) -> None:
    """Write zeros at the end until the file is that long. Raises OSError."""
    missing = size - os.fstat(file).st_size
    while missing > 0:
        missing -= os.write(file, bytes(missing))


def _memory() -> str:
    """The name of a new, empty file that is on no disk, where the system has such files."""
    if hasattr(os, "memfd_create"):
        return f"{OPENED}{os.memfd_create('metrics')}"
    return tempfile.mkstemp(prefix="metrics-")[1]


def _warn(error: OSError) -> None:
    log.warning("metrics of this process cannot be read", pid=os.getpid(), reason=error.strerror)
