"""A semaphore that serves in the order of arrival.

With the standard one, and with gevent's, a holder that returns a place and wants one again at once gets it before those
that wait. Of two hundred busy clients some would then wait until they are refused.
"""

from collections import deque
from threading import Event, Lock


class FairLimit:
    """At most ``size`` holders at a time."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._lock = Lock()
        self._waiting: deque[Event] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for a place, ``timeout`` seconds at most; return whether the caller holds one now."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = Event()
            self._waiting.append(turn)
        try:
            return turn.wait(timeout) or not self._withdraw(turn)
        except BaseException:  # a time limit of the caller, for instance
            if not self._withdraw(turn):
                self.release()
            raise

    def release(self) -> None:
        """Hand the place to the caller that has waited longest, if one waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _withdraw(self, turn: Event) -> bool:
        """Stop waiting; return False if the place was handed over in that moment."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True
