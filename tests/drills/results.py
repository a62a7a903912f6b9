"""The results of drills."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


class CannotRun(Exception):
    """The drill cannot run on this machine; the message is the reason."""


@dataclass
class Outcome:
    """The outcome that a drill returns: ``n`` trials, the measured seconds, and further figures."""

    n: int
    unit: str
    seconds: Sequence[float] = ()
    measured: str = "recovery"
    facts: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    """Violations found by a drill without a testbed."""
    table: Sequence[Sequence[Any]] = ()
    """A table of more figures, for the report; its first row is the head."""


@dataclass(frozen=True)
class DrillOptions:
    """The options of a drill that runs without a testbed."""

    scale: float
    seed: str


@dataclass
class Result:
    """A drill's row in the report."""

    name: str
    group: str
    promise: str
    seed: str
    outcome: Outcome
    violations: list[str] = field(default_factory=list)
    took: float = 0.0
    not_run: str | None = None

    @property
    def verdict(self) -> str:
        """One word, with the reason if the drill did not run."""
        if self.not_run:
            return f"not run: {self.not_run}"
        return "failed" if self.violations else "holds"


@dataclass(frozen=True)
class Drill:
    """A registered drill. ``play`` takes a Testbed, or DrillOptions without one, and returns an Outcome."""

    name: str
    group: str
    product: str
    promise: str
    play: Callable[[Any], Outcome]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of the values, or None if there are none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
