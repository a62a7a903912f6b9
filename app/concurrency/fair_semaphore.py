"""A semaphore that serves its callers in the order of arrival.

The standard semaphore, and gevent's, are unfair: a caller that releases a slot and acquires again at once overtakes
those that wait. Among two hundred busy clients some would then wait until their timeout.
"""

from collections import deque
from threading import Event, Lock


class FairSemaphore:
    """A semaphore with ``size`` slots."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._lock = Lock()
        self._waiting: deque[Event] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for a slot, at most ``timeout`` seconds; return whether the caller holds one now."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            granted = Event()
            self._waiting.append(granted)
        try:
            return granted.wait(timeout) or not self._withdraw(granted)
        except BaseException:  # for instance the caller's own time limit
            if not self._withdraw(granted):
                self.release()
            raise

    def release(self) -> None:
        """Give the slot to the caller that has waited longest, or mark it free if none waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _withdraw(self, granted: Event) -> bool:
        """Stop waiting; return False if a slot was granted first."""
        with self._lock:
            if granted.is_set():
                return False
            self._waiting.remove(granted)
            return True
