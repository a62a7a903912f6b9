"""Whether this worker is being stopped: said by its main process, seen by the children that it forked."""

import mmap

_FLAG = mmap.mmap(-1, 1)
"""One byte that the children share. Unlike an Event of multiprocessing it has no lock, which a child that is killed
could keep, and which a signal's handler could wait for in vain."""


def begin() -> None:
    """Say that the worker is to stop."""
    _FLAG[0] = 1


def has_begun() -> bool:
    """Whether that was said."""
    return _FLAG[0] == 1
