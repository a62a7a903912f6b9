"""The deadline of a piece of work, which may also be stopped before it."""

import math
import time
from dataclasses import dataclass, field
from threading import Event

from app.sources.errors import NotWanted, OutOfTime

LISTING_SECONDS = 90.0
"""The time for reading one board, in seconds."""


@dataclass(frozen=True)
class Deadline:
    """The time at which a piece of work must end, over all its requests."""

    until: float
    """By the monotonic clock, in seconds."""
    _stopped: Event = field(default_factory=Event, repr=False, compare=False)

    @classmethod
    def of(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds that are left; negative after the deadline."""
        return self.until - time.monotonic()

    def stop(self) -> None:
        """Stop the work, because nobody waits for its result any more. Any thread may do this."""
        self._stopped.set()

    def check(self) -> None:
        """Raise NotWanted if the work was stopped, OutOfTime if the deadline has passed."""
        if self._stopped.is_set():
            raise _not_wanted()
        if self.left <= 0:
            raise OutOfTime("Reading the board took too long.")

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises NotWanted as soon as the work is stopped."""
        if self._stopped.wait(seconds):
            raise _not_wanted()


def _not_wanted() -> NotWanted:
    return NotWanted("Nobody waits for this board any more, so it is not read to its end.")


NO_DEADLINE = Deadline(math.inf)
"""For work that is short by itself. All such work shares it, so it is never stopped."""
