"""What the model check does first, always the same: each situation that matters, once. Chance comes after."""

from typing import Any

from tests.faults.model import RunsMachine
from tests.faults.world import MOVES

Step = tuple[str, dict[str, Any]]
STATUSES = ("pending", "initializing", "ingesting")


def step(name: str, **words: Any) -> Step:
    """A rule of the machine and its arguments."""
    return name, words


def start(user: int = 0, key: str | None = None, kill: str | None = None) -> Step:
    """A user starts."""
    return step("start", user=user, key=key, kill=kill)


def begun(depth: int, user: int = 0) -> list[Step]:
    """A run that is pending, initializing or ingesting; the newest."""
    return [start(user), *([step("proceed", pick=0, steps=depth)] if depth else [])]


def move(kind: str, pick: int = 0, user: int = 0) -> Step:
    """Any move, by whoever makes it."""
    if kind == "abort":
        return step("abort", user=user, pick=pick)
    return step("operator_abort", pick=pick) if kind == "operator_abort" else step("work", kind=kind, pick=pick)


HANDS = step("type_by_hand", pick=0)
ONE = step("look", user=0, pick=0)
OTHER = step("look", user=1, pick=0)
RECEIVE = step("message", kind="receive", count=3)
ALL = {"order": [1, 0, 2, 3], "due": 4}


def tours() -> dict[str, list[Step]]:
    """Walks by name, each from an empty table."""
    walks = {
        "keys": [
            start(key="a"), OTHER, HANDS, move("abort", user=1), start(), start(key="a"), start(key="b"),
            step("start_something_else", user=0, key="a"), step("start_something_else", user=0, key="b"), start(1, "a"),
            step("publish", pick=1), step("message", kind="double", count=1), RECEIVE, ONE, HANDS,
            step("proceed", pick=0, steps=1), step("proceed", pick=1, steps=1), ONE, start(0), start(1), HANDS,
            step("proceed", pick=0, steps=1), step("proceed", pick=0, steps=1), HANDS, start(key="a"), start(1),
            step("start_something_else", user=1, key="a"), start(key="b"), start(1, "b"), ONE, OTHER,
        ],
        "starts at once": [
            start(), step("interrupt", outer=("start", 0, 0), inner=("abort", 0, 0), place=1),
            overtake("abort", "start"), overtake("start", "start"), move("abort"),
            overtake("start", "start", commit=False), move("abort"), overtake("spent_start", "start", pick=1),
            move("abort"), overtake("start", "start", pick=3), move("abort"),
            step("interrupt", outer=("start", 0, 1), inner=("start", 0, 1), place=1),
            step("interrupt", outer=("start", 1, 1), inner=("start", 1, 3), place=1),
            step("at_once", given=[("start", 0, 0), ("start", 0, 0), ("start", 1, 0), ("start", 1, 0)]), ONE,
        ],
        "handing over": [
            start(kill="publish"), start(1, kill="stamp"), ONE, step("take", **ALL), RECEIVE,
            move("operator_abort"), move("operator_abort"), start(), start(1),
            step("start_while_the_broker_is_away", user=1),
            step("reconcile", **ALL, kill=None, place=0), step("reconcile", **ALL, kill="publish", place=1),
            step("reconcile", **ALL, kill="stamp", place=0), step("reconcile", **ALL | {"due": 1}, kill=None, place=0),
            overtake("abort", "take"), start(), step("reconcilers_at_once", order=[0, 1, 2, 3], number=2),
            step("message", kind="lose", count=3), move("fail"), step("start_while_the_broker_is_away", user=0), OTHER,
            step("start_while_the_broker_is_away", user=1), step("reconcile", **ALL, kill=None, place=0),
        ],
    }
    for depth, kinds in {0: ("advance", "finish"), 1: ("claim", "finish"), 2: ("claim", "advance")}.items():
        ends = ["finish" if depth == 2 else "rescue", "operator_abort", "fail", "abort"]
        walks[STATUSES[depth]] = [each for end in ends for each in (*begun(depth), *map(move, kinds), move(end))]
    for end in ("finish", "fail", "abort"):
        walks[f"after {end}"] = [*begun(2), move(end), *map(move, MOVES), step("publish", pick=0), ONE, HANDS]
    for kind in ("claim", "advance", "finish", "fail", "operator_abort"):
        depth = {"claim": 0, "advance": 1}.get(kind, 2)
        walks[f"{kind} against abort"] = [
            *begun(depth), step("interrupt", outer=(kind, 0, 0), inner=("abort", 0, 0), place=1),
            *begun(depth), overtake("abort", kind), *begun(depth), overtake("abort", kind, commit=False),
            move("operator_abort"), *begun(depth), overtake(kind, "abort"),
        ]
    return walks


def overtake(held: str, waiting: str, commit: bool = True, pick: int = 0) -> Step:
    """One waits for another, about the newest run."""
    return step("overtake", held=held, waiting=waiting, user=0, pick=pick, commit=commit)


def walk(machine: type[RunsMachine], name: str) -> None:
    """Go on that tour. Raises Difference."""
    state = machine()
    try:
        state.everything_is_as_it_must_be()
        for rule, words in tours()[name]:
            getattr(state, rule)(**words)
            state.everything_is_as_it_must_be()
    finally:
        state.teardown()
