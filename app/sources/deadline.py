"""The deadline of a piece of work."""

import math
import time
from dataclasses import dataclass

from app.sources.errors import OutOfTime


@dataclass(frozen=True)
class Deadline:
    """The time at which a piece of work must end, over all its requests."""

    until: float
    """By the monotonic clock, in seconds."""

    @classmethod
    def of(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """The seconds that are left; negative after the deadline."""
        return self.until - time.monotonic()

    def check(self) -> None:
        """Raise OutOfTime if the deadline has passed."""
        if self.left <= 0:
            raise OutOfTime("Reading the board took too long.")


NO_DEADLINE = Deadline(math.inf)
"""For work that is short by itself."""
