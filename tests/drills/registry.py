"""The registry of drills. The drills of one product run in its order."""

from collections.abc import Callable
from typing import Any

from tests.drills.results import Drill, Outcome

PRODUCT = "product"
"""The whole product on boards on loopback, with shortened times (``testbed.SETTINGS``)."""

PLACEHOLDER = "placeholder"
"""The product with INGESTION=noop: its worker receives a run and leaves it pending."""

NONE = "none"
"""No product: the drill starts what it needs."""

DRILLS: list[Drill] = []


def drill(name: str, group: str, product: str) -> Callable[[Callable[[Any], Outcome]], Any]:
    """Register a drill. The report quotes its docstring, which describes the fault and the promise."""

    def register(play: Callable[[Any], Outcome]) -> Callable[[Any], Outcome]:
        DRILLS.append(Drill(name, group, product, " ".join((play.__doc__ or "").split()), play))
        return play

    return register
