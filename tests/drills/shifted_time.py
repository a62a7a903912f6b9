"""Two clocks: that of the machine, by which clients and logs date, and the product's, which drills shift forwards."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from tests.support.clock import Execute, shift_clock


class ShiftedTime:
    """The shifts of the product's clock, and the conversion of times between the two clocks."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._begins = [datetime.min.replace(tzinfo=UTC)]
        """The machine's times at which a shift began."""
        self._shifts = [timedelta()]

    def now(self) -> datetime:
        """Return the product's time."""
        return datetime.now(UTC) + self._shifts[-1]

    def advance_to(self, moment: datetime) -> None:
        """Set the product's clock forwards to this time. A time that has passed changes nothing."""
        shift = moment - datetime.now(UTC)
        if shift > self._shifts[-1]:
            shift_clock(shift.total_seconds(), self._execute)
            self._begins.append(datetime.now(UTC))
            self._shifts.append(shift)

    def product_time(self, at: datetime) -> datetime:
        """Return the product's time at this time of the machine."""
        return at + self._shifts[bisect_right(self._begins, at) - 1]

    def machine_time(self, at: datetime) -> datetime:
        """Return the machine's time at this time of the product. A time that a shift left out is one after it."""
        found = len(self._begins) - 1
        while found and at - self._shifts[found] < self._begins[found]:
            found -= 1
        return at - self._shifts[found]
