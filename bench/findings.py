"""What the benchmarks of boards and runs report: one line for each figure, beside what is wanted of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles

HEAD = ("", "wanted", "found")


@dataclass(frozen=True)
class Finding:
    """A figure that was measured, and what is wanted of it."""

    what: str
    wanted: str
    found: str

    @property
    def row(self) -> tuple[str, str, str]:
        """The row of the report's table, below HEAD."""
        return self.what, self.wanted, self.found


Findings = Iterator[Finding]


def milliseconds(seconds: list[float]) -> str:
    """Return the median and the 99th percentile of these times, in words."""
    return f"p50 {median(seconds) * 1000:.1f} ms, p99 {percentile(seconds, 99) * 1000:.1f} ms"


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile of two values or more."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def change(before: float, after: float) -> str:
    """Return a change in percent, with its sign."""
    return f"{after / before - 1:+.0%}"
