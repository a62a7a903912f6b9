"""The queue of wake-ups, and a clock for the code that publishes them."""

from tests.support.factories import sql

QUEUE = "job-ingestion:ingestion"
"""The queue of runs."""

PREVIEWS_QUEUE, BOARDS_QUEUE = "job-ingestion:previews", "job-ingestion:boards"


def make_runs_due() -> None:
    """Make the message of every run due."""
    sql("UPDATE ingestion_runs SET next_dispatch_at = now() - interval '1 s'")


class FakeClock:
    """A stand-in for ``time`` that advances by ``step`` seconds at each reading."""

    def __init__(self, step: float = 0) -> None:
        self.now, self.step = 0.0, step

    def monotonic(self) -> float:
        """Return the time after this step."""
        self.now += self.step
        return self.now
