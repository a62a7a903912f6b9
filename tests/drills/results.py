"""What a drill found out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


class CannotRun(Exception):
    """The drill cannot be held here; the message says why."""


@dataclass
class Outcome:
    """What a drill itself returns: ``n`` trials, the seconds that were measured, and further figures."""

    n: int
    unit: str
    seconds: Sequence[float] = ()
    measured: str = "recovery"
    facts: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    """Of a drill that has no testbed to write them down on."""


@dataclass(frozen=True)
class DrillOptions:
    """What a drill is given that brings up what it needs by itself."""

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
        """One word, and a reason where the drill was not held."""
        if self.not_run:
            return f"not run: {self.not_run}"
        return "failed" if self.violations else "holds"


@dataclass(frozen=True)
class Drill:
    """A drill of the registry. ``play`` is given a Testbed (or Terms) and returns an Outcome."""

    name: str
    group: str
    product: str
    promise: str
    play: Callable[[Any], Outcome]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that is not below so large a share of them (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
