"""The fixed scenarios of the model check: each important situation once. Random sequences come after them."""

from typing import Any

from tests.faults.model import MOVES
from tests.faults.state_machine import RunsStateMachine

Step = tuple[str, dict[str, Any]]
STATUSES = ("pending", "initializing", "ingesting")


def step(rule: str, **arguments: Any) -> Step:
    """Return a step: a rule of the state machine and its arguments."""
    return rule, arguments


def start(user: int = 0, key: str | None = None, kill: str | None = None) -> Step:
    """A user starts a run."""
    return step("start", user=user, key=key, kill=kill)


def started_run(depth: int, user: int = 0) -> list[Step]:
    """A new run, moved on ``depth`` times: pending, initializing or ingesting."""
    return [start(user), *([step("proceed", pick=0, steps=depth)] if depth else [])]


def move(kind: str, pick: int = 0, user: int = 0) -> Step:
    """A move of a run, by the actor that makes it: user, operator or worker."""
    if kind == "abort":
        return step("abort", user=user, pick=pick)
    return step("operator_abort", pick=pick) if kind == "operator_abort" else step("work", kind=kind, pick=pick)


ILLEGAL = step("execute_illegal_statements", pick=0)
FIRST_USER = step("read_everything", user=0, pick=0)
SECOND_USER = step("read_everything", user=1, pick=0)
RECEIVE = step("message", kind="receive", count=3)
ALL_DUE = {"order": [1, 0, 2, 3], "due": 4}


def all_scenarios() -> dict[str, list[Step]]:
    """Return the steps of each scenario by name. Each scenario starts with an empty table."""
    scenarios = {
        "keys": [
            start(key="a"), SECOND_USER, ILLEGAL, move("abort", user=1), start(), start(key="a"), start(key="b"),
            step("start_from_unknown_preview", user=0, key="a"), step("start_from_unknown_preview", user=0, key="b"),
            start(1, "a"),
            step("publish", pick=1), step("message", kind="duplicate", count=1), RECEIVE, FIRST_USER, ILLEGAL,
            step("proceed", pick=0, steps=1), step("proceed", pick=1, steps=1), FIRST_USER, start(0), start(1), ILLEGAL,
            step("proceed", pick=0, steps=1), step("proceed", pick=0, steps=1), ILLEGAL, start(key="a"), start(1),
            step("start_from_unknown_preview", user=1, key="a"), start(key="b"), start(1, "b"), FIRST_USER, SECOND_USER,
        ],
        "starts at once": [
            start(), step("interrupt", outer=("start", 0, 0), inner=("abort", 0, 0), statement_number=1),
            overtake("abort", "start"), overtake("start", "start"), move("abort"),
            overtake("start", "start", commit=False), move("abort"), overtake("start_and_abort", "start", pick=1),
            move("abort"), overtake("start", "start", pick=3), move("abort"),
            step("interrupt", outer=("start", 0, 1), inner=("start", 0, 1), statement_number=1),
            step("interrupt", outer=("start", 1, 1), inner=("start", 1, 3), statement_number=1),
            step("at_once", given=[("start", 0, 0), ("start", 0, 0), ("start", 1, 0), ("start", 1, 0)]), FIRST_USER,
        ],
        "publishing": [
            start(kill="publish"), start(1, kill="mark_published"), FIRST_USER, step("claim_due", **ALL_DUE), RECEIVE,
            move("operator_abort"), move("operator_abort"), start(), start(1),
            step("start_without_broker", user=1),
            step("reconcile", **ALL_DUE, kill=None, at=0), step("reconcile", **ALL_DUE, kill="publish", at=1),
            step("reconcile", **ALL_DUE, kill="mark_published", at=0),
            step("reconcile", **ALL_DUE | {"due": 1}, kill=None, at=0),
            overtake("abort", "claim_due"), start(), step("reconcilers_at_once", order=[0, 1, 2, 3], number=2),
            step("message", kind="lose", count=3), move("fail"), step("start_without_broker", user=0), SECOND_USER,
            step("start_without_broker", user=1), step("reconcile", **ALL_DUE, kill=None, at=0),
        ],
    }
    for depth, kinds in {0: ("advance", "finish"), 1: ("claim", "finish"), 2: ("claim", "advance")}.items():
        ends = ["finish" if depth == 2 else "rescue", "operator_abort", "fail", "abort"]
        steps = [(*started_run(depth), *map(move, kinds), move(end)) for end in ends]
        scenarios[STATUSES[depth]] = [each for group in steps for each in group]
    for end in ("finish", "fail", "abort"):
        after = [*map(move, MOVES), step("publish", pick=0), FIRST_USER, ILLEGAL]
        scenarios[f"after {end}"] = [*started_run(2), move(end), *after]
    for kind in ("claim", "advance", "finish", "fail", "operator_abort"):
        depth = {"claim": 0, "advance": 1}.get(kind, 2)
        scenarios[f"{kind} against abort"] = [
            *started_run(depth), step("interrupt", outer=(kind, 0, 0), inner=("abort", 0, 0), statement_number=1),
            *started_run(depth), overtake("abort", kind), *started_run(depth), overtake("abort", kind, commit=False),
            move("operator_abort"), *started_run(depth), overtake(kind, "abort"),
        ]
    return scenarios


def overtake(held: str, waiting: str, commit: bool = True, pick: int = 0) -> Step:
    """One session waits for the row of a run that another session holds. ``pick`` 0 is the newest active run."""
    return step("overtake", held=held, waiting=waiting, user=0, pick=pick, commit=commit)


def run_scenario(machine: type[RunsStateMachine], name: str) -> None:
    """Run the scenario and check the state after each step. Raises Difference."""
    state = machine()
    try:
        state.check_state()
        for rule, arguments in all_scenarios()[name]:
            getattr(state, rule)(**arguments)
            state.check_state()
    finally:
        state.teardown()
