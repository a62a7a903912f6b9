"""The shutdown flag of a worker: set by the main process, read by its forked children."""

import mmap

_FLAG = mmap.mmap(-1, 1)
"""One byte, shared with the children. A multiprocessing Event has a lock: a killed child could keep it, and a signal
handler could wait for it forever."""


def set_flag() -> None:
    """Set the flag, so that the children stop."""
    _FLAG[0] = 1


def is_set() -> bool:
    """Return True once the worker is stopping."""
    return _FLAG[0] == 1
