"""The shutdown flag of a worker: set by its main process, read by the children that it forked."""

import mmap

_FLAG = mmap.mmap(-1, 1)
"""One byte that the children share. An Event of multiprocessing has a lock, which a killed child could keep and for
which a signal handler could wait in vain."""


def set_flag() -> None:
    """Ask the children to stop."""
    _FLAG[0] = 1


def is_set() -> bool:
    """Return whether the worker is stopping."""
    return _FLAG[0] == 1
