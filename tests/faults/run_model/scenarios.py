"""The fixed scenarios of the check: each important situation once. Random sequences come after them."""

from typing import Any

from tests.faults.run_model.state_machine import RunModelMachine

Step = tuple[str, dict[str, Any]]


def step(rule: str, **arguments: Any) -> Step:
    """Return a step: a rule of the state machine and its arguments."""
    return rule, arguments


RESTART = step("restart")
"""Go on with a world in which nothing has happened."""

RECONCILE = step("reconcile")
READ_ALL = step("read_all")
CLAIM = step("claim")
READ = step("read", pick=0)
CARRY = step("carry", pick=0)
TAKEN_IN_STATEMENTS = range(9, 16)
"""The numbers of the statements, from the advance of a run on, that take its first company in."""


def run(*users: int) -> list[Step]:
    """Runs of these users, one after the other, each from its start to its end."""
    return [step("run_through", user=user) for user in users]


def change(board: str, what: str, number: int = 0) -> Step:
    """A change of what a board shows."""
    return step("change", board=board, what=what, number=number)


def look(board: str, wait: str = "moment") -> list[Step]:
    """Another look at a board, and a pause."""
    return [step("read_board", board=board), step("wait", name=wait)]


def begun(user: int) -> list[Step]:
    """A run whose boards are read and that is not carried on yet."""
    return [step("start", user=user, lost=True), CARRY, READ_ALL]


def answer(user: int, expire: bool, pick: int = 0) -> Step:
    """An answer to the question of one of the last runs."""
    return step("answer_question", user=user, pick=pick, expire=expire)


def interrupted(kind: str, inner: str, number: int, other: int = 0) -> Step:
    """An operation of another process after that statement of a worker or reader."""
    return step("interrupt", kind=kind, pick=0, inner=inner, other=other, number=number)


def dies(kind: str, number: int) -> Step:
    """A process that dies after that statement."""
    return step("crash", kind=kind, pick=0, number=number)


def hold(board: str) -> Step:
    """A hold of the operator."""
    return step("hold", board=board, is_release=False)


def release(board: str) -> Step:
    """The end of a hold."""
    return step("hold", board=board, is_release=True)


def _changed() -> list[Step]:
    kinds = ("title", "place", "text", "kind", "add", "unread")
    news = [change("alpha", what, 7 * number) for number, what in enumerate(kinds)]
    undone = [change("alpha", "well"), change("alpha", "back")]
    later = step("wait", name="stale")
    return [*run(1, 2), *news, later, *run(1, 2, 3), *undone, later, *run(1),
            step("set_filters", user=2, board="alpha", filters=((), ())), *run(2)]


def _closed() -> list[Step]:
    closed = [*look("beta", "witness"), *look("beta")]
    return [*run(1, 3), change("beta", "drop"), *closed, *run(1, 3), change("beta", "restore"), *look("beta"),
            *run(1)]


def _asked() -> list[Step]:
    """A run that asks: all but a few postings of the large board are closed."""
    return [change("alpha", "shrink"), *look("alpha", "witness"), *look("alpha"), *run(1)]


def _back() -> list[Step]:
    return [change("alpha", "restore"), *look("alpha", "stale"), *run(1)]


def all_scenarios() -> dict[str, list[Step]]:
    """Return the steps of each scenario by name."""
    stale = step("wait", name="stale")
    return {
        "changes": _changed(),
        "a closing": _closed(),
        "close witnesses": [
            *run(3), change("beta", "drop"), *look("beta"), *look("beta"), *[stale] * 5,
            step("look_again", board="beta"), *[step("wait", name="lease")] * 3, READ, *run(3),
        ],
        "partial listings": [
            *run(2), change("beta", "partial"), *look("beta", "witness"), *look("beta"), *run(2),
            change("beta", "well"), *run(2),
        ],
        "a shrink": [
            *run(2), change("alpha", "shrink"), *look("alpha", "moment"), *run(2), *look("alpha", "witness"), stale,
            *run(2), change("alpha", "restore"), stale, *run(2),
        ],
        "a hold": [
            *run(2, 3), hold("alpha"), hold("gamma"), hold("gamma"), change("alpha", "shrink"),
            change("gamma", "missing"), *look("alpha", "witness") * 2, *look("gamma", "gone") * 4,
            change("gamma", "empty"), change("gamma", "well"), *look("gamma", "empty") * 4, *run(2),
            release("alpha"), release("alpha"), release("gamma"),
            *look("alpha", "witness") * 2, *look("gamma"), *run(2, 3), change("alpha", "restore"), *look("alpha"),
            change("alpha", "shrink"), *look("alpha"),
        ],
        "a hold on a gone board": [
            *run(3), change("gamma", "missing"), *look("gamma", "gone") * 2, hold("gamma"), *look("gamma", "gone") * 2,
            release("gamma"), *look("gamma", "gone"), *run(3),
        ],
        "an old miss of a board on hold": [
            *run(3), change("beta", "drop"), *look("beta", "witness"), hold("beta"), *look("beta") * 2, *run(3),
            release("beta"), *look("beta"), *run(3),
        ],
        "an empty board": [
            *run(3), change("gamma", "empty"), *look("gamma", "reuse"), *look("gamma"), *run(3), *look("gamma"),
            *run(3), change("gamma", "restore"), *run(3),
        ],
        "a board is gone": [
            *run(3), change("gamma", "missing"), *look("gamma", "moment"), *look("gamma", "gone") * 3, *run(3),
            change("gamma", "well"), step("wait", name="lease"), step("wait", name="lease"), *run(3),
        ],
        "an unchanged board": [
            *run(3), change("gamma", "partial"), *look("gamma", "stale"), change("gamma", "well"),
            *look("gamma", "stale") * 2, step("wait", name="reuse"), *run(3),
        ],
        "failures": [
            *run(3), change("gamma", "failing"), change("beta", "drop"), stale, *run(3),
            step("retry", user=1, pick=0), change("gamma", "well"), step("wait", name="lease"),
            step("wait", name="lease"), step("retry", user=3, pick=0), step("retry", user=3, pick=0), CARRY, READ_ALL,
            CARRY, step("retry", user=3, pick=0),
        ],
        "an early reading": [
            step("look_again", board="gamma"), stale, step("start", user=3, lost=False), CARRY, READ, CARRY, READ_ALL,
            CARRY,
        ],
        "leases": [
            step("start", user=3, lost=False), CARRY, CLAIM, step("renew", pick=0), CLAIM, CLAIM,
            step("wait", name="lease"), CLAIM, step("renew", pick=2), step("read", pick=2), READ, READ_ALL, CARRY,
        ],
        "a lease lost while storing": [
            each for number in range(1, 7) for each in (
                RESTART, step("start", user=3, lost=False), CARRY, CLAIM, interrupted("read", "steal", number), READ,
            )
        ],
        "readings end at once": [
            step("start", user=2, lost=True), CARRY, CLAIM, CLAIM, step("read_at_once", first=0, second=1, pick=0),
            CARRY,
        ],
        "two workers begin": [
            step("start", user=3, lost=False), interrupted("carry", "carry", 1), READ_ALL,
            step("abort", user=3, pick=0), CARRY, step("start", user=3, lost=False), interrupted("carry", "abort", 1),
        ],
        "aborts": [
            each for number in (1, 4, 8, 11, 13) for each in (
                RESTART, *begun(1), interrupted("carry", "abort", number), CARRY,
            )
        ] + [RESTART, step("start", user=3, lost=False), CARRY, CLAIM, interrupted("read", "abort", 4), READ, CARRY],
        "two workers take in": [
            each for number in TAKEN_IN_STATEMENTS for inner in ("carry", "take_in_part") for each in (
                RESTART, *begun(1), interrupted("carry", inner, number), RESTART, *begun(1), dies("carry", number),
                CARRY,
            )
        ],
        "a listing between two statements": [
            each for number in TAKEN_IN_STATEMENTS for each in (
                RESTART, *run(2), stale, *begun(2), change("alpha", "kind", 4), step("look_again", board="alpha"),
                interrupted("carry", "read", number), CARRY,
            )
        ],
        "a decision without a take-in": [*begun(3), dies("carry", 7), CARRY],
        "a shared lock": [*begun(1), dies("carry", 8), step("take_in_against_lock", pick=0), CARRY],
        "a deadline": [
            step("start", user=3, lost=False), CARRY, CLAIM, READ, CARRY, RECONCILE, step("wait", name="late"),
            CARRY, RECONCILE, CARRY, step("retry", user=3, pick=0), CARRY, READ_ALL, CARRY,
        ],
        "a company is given up": [
            *begun(3), dies("carry", 8), *[step("wait", name="moment"), dies("carry", 1)] * 5,
            step("wait", name="moment"), CARRY, CARRY,
        ],
        "lost messages": [
            step("start", user=3, lost=True), RECONCILE, step("wait", name="lease"), RECONCILE, CARRY, CLAIM, CLAIM,
            dies("read", 6), step("wait", name="lease"), RECONCILE, CARRY, step("wait", name="lease"), CLAIM,
            dies("read", 7), step("wait", name="lease"), RECONCILE, READ_ALL, step("wait", name="lease"), RECONCILE,
            dies("carry", 8), step("wait", name="lease"), RECONCILE, CARRY,
        ],
        "a closing after the pin": [
            *run(3), change("beta", "drop"), *look("beta", "stale"), *look("beta"), *begun(3), dies("carry", 8),
            step("wait", name="witness"), *look("beta"), CARRY, *run(3),
        ],
        "questions": [
            *run(1, 2), *_asked(), answer(2, True), answer(1, False), answer(1, True), stale, *run(1), answer(1, True),
        ],
        "questions superseded": [
            *run(1), *_asked(), stale, *run(1), answer(1, True, pick=1), answer(1, True), *_back(), *run(1),
        ],
        "many closings of one user": [
            *run(1, 2), change("alpha", "shrink"), *look("alpha", "moment"), step("wait", name="witness"),
            *look("alpha"), *run(2),
        ],
    }


def run_scenario(machine: type[RunModelMachine], name: str) -> None:
    """Run the scenario, and compare after each step. Raises Difference."""
    state = machine()
    for rule, arguments in all_scenarios()[name]:
        if rule == "restart":
            state = machine()
        else:
            getattr(state, rule)(**arguments)
