"""The shutdown flag of a worker: set by the main process, read by its forked children."""

import mmap

_FLAG = mmap.mmap(-1, 1)
"""One byte, shared with the children. An Event of multiprocessing has a lock, which a killed child could keep and for
which a signal handler could wait forever."""


def set_flag() -> None:
    """Set the flag, so that the children stop."""
    _FLAG[0] = 1


def is_set() -> bool:
    """Return True once the worker is stopping."""
    return _FLAG[0] == 1
