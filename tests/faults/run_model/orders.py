"""The legal orders of the statements of two operations, and the results that they give."""

from collections.abc import Iterator

from tests.faults.run_model.model import Model
from tests.faults.run_model.state import Steps
from tests.faults.run_model.world import Op, Outcome

Candidates = Iterator[tuple[Model, Outcome, list[Outcome]]]


def _finish(steps: Steps) -> Outcome:
    """Run an operation of the model to its end, and return its outcome."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return _plain(end.value)


def _plain(outcome: Outcome) -> Outcome:
    """Return an outcome as the product gives it: a single word stands for itself."""
    return outcome[0] if isinstance(outcome, tuple) and len(outcome) == 1 else outcome


def alone(before: Model, op: Op) -> Candidates:
    model = before.copy()
    yield model, _finish(model.steps(op)), []


def with_inner(before: Model, op: Op, inner: list[Op]) -> Candidates:
    """Yield the results of all orders in which the inner operations come between two statements of the other."""
    number, is_over = 0, False
    while not is_over:
        model = before.copy()
        steps, outcome = model.steps(op), None
        is_over = _advance(steps, number)
        if is_over:
            model = before.copy()
            outcome = _finish(model.steps(op))
        theirs = [_finish(model.steps(each)) for each in inner]
        yield model, outcome if is_over else _finish(steps), theirs
        number += 1


def prefixes(before: Model, op: Op) -> Candidates:
    """Yield the results of an operation that ends after some of its statements."""
    number, is_over = 0, False
    while not is_over:
        model = before.copy()
        is_over = _advance(model.steps(op), number)
        yield model, None, []
        number += 1


def _advance(steps: Steps, number: int) -> bool:
    """Advance an operation by this many yields; return whether it has ended before."""
    for _ in range(number):
        if next(steps, steps) is steps:
            return True
    return False


def merged(before: Model, first: Op, second: Op) -> Candidates:
    """Yield the results of all orders of the statements of two operations."""
    orders: list[list[bool]] = [[]]
    while orders:
        order = orders.pop()
        model = before.copy()
        steps = model.steps(first), model.steps(second)
        outcomes: dict[int, Outcome] = {}
        for which in map(int, order):
            _one(steps[which], which, outcomes)
        left = [which for which in (0, 1) if which not in outcomes]
        if not left:
            yield model, outcomes[0], [outcomes[1]]
        orders += [[*order, bool(which)] for which in left]


def _one(steps: Steps, which: int, outcomes: dict[int, Outcome]) -> None:
    try:
        next(steps)
    except StopIteration as end:
        outcomes[which] = _plain(end.value)
