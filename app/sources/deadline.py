"""The deadline of a piece of work."""

import time
from dataclasses import dataclass

from app.sources.errors import OutOfTime


@dataclass
class Deadline:
    """The time that may still be spent, over all requests of one piece of work."""

    until: float

    @classmethod
    def of(cls, seconds: float) -> "Deadline":
        """From now on."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()

    def check(self) -> None:
        """Raises OutOfTime when there is none left."""
        if self.left <= 0:
            raise OutOfTime("It took longer than it may.")
