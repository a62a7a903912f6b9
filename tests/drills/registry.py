"""Which drills there are, in the order in which they are held."""

from collections.abc import Callable
from typing import Any

from tests.drills.results import Drill, Outcome

PLACEHOLDER = "placeholder"
"""The product as it is: a run is received and stays pending."""

SIMULATED = "walking"
"""The product with a worker that takes runs through their states."""

NONE = "none"
"""The drill brings up what it needs."""

DRILLS: list[Drill] = []


def drill(name: str, group: str, product: str) -> Callable[[Callable[[Any], Outcome]], Any]:
    """Put a function into the registry. Its docstring says what is done and what has to hold; the report repeats it."""

    def register(play: Callable[[Any], Outcome]) -> Callable[[Any], Outcome]:
        DRILLS.append(Drill(name, group, product, " ".join((play.__doc__ or "").split()), play))
        return play

    return register
