"""What the benchmarks report: tables of measurements, and findings, each beside what is wanted of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

HEAD = ("", "wanted", "found", "")
"""The head of the table of findings that have a verdict."""

OTHER_HEAD = ("", "found")
"""The head of the table of findings of which nothing is wanted."""


@dataclass(frozen=True)
class Finding:
    """A figure that was measured, what is wanted of it, and the verdict. Without a wanted figure there is none."""

    what: str
    wanted: str
    found: str
    is_met: bool | None = None

    @property
    def row(self) -> tuple[str, ...]:
        """The row of the report's table, below HEAD or OTHER_HEAD."""
        if self.is_met is None:
            return self.what, self.found
        return self.what, self.wanted, self.found, "met" if self.is_met else "**missed**"


Findings = Iterator[Finding]


@dataclass
class Section:
    """A table of measurements under its heading, and the findings that follow from it."""

    heading: str
    head: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def at_most(what: str, limit: float, unit: str, value: float, found: str) -> Finding:
    """Return the finding that wants a value of at most this limit; ``found`` says the value in words."""
    return Finding(what, f"≤ {limit:,g} {unit}", found, value <= limit)


def at_least(what: str, limit: float, unit: str, value: float, found: str) -> Finding:
    """Return the finding that wants a value of at least this limit; ``found`` says the value in words."""
    return Finding(what, f"≥ {limit:,g} {unit}", found, value >= limit)


def plain(what: str, found: str) -> Finding:
    """Return a finding of which nothing is wanted."""
    return Finding(what, "", found)


def milliseconds(seconds: list[float]) -> str:
    """Return the median and the 99th percentile of these times, in words."""
    return f"p50 {median(seconds) * 1000:.1f} ms, p99 {percentile(seconds, 99) * 1000:.1f} ms"


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile of two values or more."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def summarize(findings: Iterable[Finding]) -> str:
    """Return a sentence on how many of the wanted figures are met."""
    judged = [finding.is_met for finding in findings if finding.is_met is not None]
    return f"{len(judged)} figures are wanted: {judged.count(True)} met, {judged.count(False)} missed.\n"
