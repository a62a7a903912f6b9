"""The times of boards. Settings derive them, so that drills can shorten them. All are in seconds."""

from dataclasses import dataclass

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True)
class BoardTimes:
    """The times of leases, second looks, holds and deadlines."""

    lease: float = 30
    """Lifetime of a lease without renewal. After it, another worker may claim a dead worker's board."""
    renew: float = 10
    """Interval in which a worker renews its leases."""
    snooze: float = 10
    """Pause of a board whose source is at its rate limit, or whose reading failed through a fault of ours."""
    reading: float = 90
    """The most that one reading may take."""
    fresh: float = 600
    """Age up to which a listing answers a unit that begins now."""
    refresh: float = 60
    """The same after *Refresh*."""
    failed: float = 60
    """Time for which a failed listing answers, if the source named no other."""
    reuse: float = 24 * HOUR
    """Age up to which a complete listing is confirmed by a conditional request instead of read again."""
    second_looks: bool = True
    """True if missing postings cause a second look by themselves."""
    witness: float = HOUR
    """The least time between the begins of two listings that together close a posting."""
    second_look: float = 6 * HOUR
    """The least time between two second looks at a board."""
    empty: float = DAY
    """The least time between the begins of the first and the third listing of an empty board."""
    gone: float = 6 * HOUR
    """The least time between two answers that a board does not exist, if both are to count."""
    recent: float = 7 * DAY
    """A board that was read within this time before its first 404 needs three of them, not two."""
    exhausted_attempts: int = 3
    """Claims of a board without an ended listing. A board that crashes its workers is not tried for ever."""
