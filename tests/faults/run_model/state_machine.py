"""The rules of the check: what users, workers, readers and boards do, in any order and between each other's statements.

After each step the tables must agree with the model. Of a step with a race, one legal order must explain all.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.faults.comparison import Difference
from tests.faults.run_model.model import Model, Steps
from tests.faults.run_model.product import Product
from tests.faults.run_model.tables import Tables, differences, expected
from tests.faults.run_model.world import COMPANIES, FILTERS, SIZES, Op, Outcome, change_source

MAX_SHOWN = 6
"""Differences that are shown."""

WAITS = {"moment": 9, "lease": 40, "stale": 700, "late": 1000, "witness": 3700, "gone": 6 * 3600 + 60,
         "empty": 12 * 3600 + 60, "reuse": 25 * 3600}
CHANGES = ("drop", "add", "title", "place", "text", "kind", "back", "empty", "restore", "shrink", "partial", "unread",
           "missing", "failing", "well", "well", "tag")

USER = st.sampled_from(sorted(COMPANIES))
BOARD = st.sampled_from(sorted(SIZES))
PICK = st.integers(0, 3)
NUMBER = st.integers(0, 70)
INNER = ("carry", "take_in_part", "abort", "read", "claim", "steal", "start", "reconcile", "renew", "answer_question")


class RunModelMachine(RuleBasedStateMachine):
    """Three users, three boards and their runs.

    No rule has a precondition. A rule that has nothing to act on does nothing.
    """

    product: Product
    tally: "Counter[str]" = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.product.reset()
        self.model = Model()
        self.tables = Tables(self.product.connection)
        self.tables.read()
        self.tally["examples"] += 1

    @initialize(users=st.lists(USER, max_size=3))
    def begin_with_runs(self, users: list[int]) -> None:
        """Some users have had runs, so that there are jobs."""
        for user in users:
            self.run_through(user)

    # --- The world ---------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(sorted(WAITS)))
    def wait(self, name: str) -> None:
        """Time passes."""
        self.step(Op("wait", seconds=WAITS[name]))

    @rule(board=BOARD, what=st.sampled_from(CHANGES), number=NUMBER)
    def change(self, board: str, what: str, number: int) -> None:
        """A board changes what it shows."""
        change_source(self.model.sources[board], what, number)

    @rule(user=USER, board=BOARD, filters=st.sampled_from(FILTERS))
    def set_filters(self, user: int, board: str, filters: Any) -> None:
        """A user changes the filters of a company. Runs that have begun keep theirs."""
        if board in self.model.filters[user]:
            self.model.filters[user][board] = filters
            self.product.set_filters(user, board, *filters)

    # --- Users -------------------------------------------------------------------------------------------------------

    @rule(user=USER, lost=st.sampled_from([False, False, True]))
    def start(self, user: int, lost: bool = False) -> None:
        """A user starts a run; its message may be lost."""
        outcome = self.step(Op("start", user))
        if outcome[0] == "started" and not lost:
            self.step(Op("publish", run=outcome[1]))

    @rule(user=USER, pick=PICK)
    def retry(self, user: int, pick: int) -> None:
        """A user retries a run, perhaps another user's."""
        if run := self._pick(pick):
            self.step(Op("retry", user, run))

    @rule(user=USER, pick=PICK)
    def abort(self, user: int, pick: int) -> None:
        """A user aborts a run, perhaps another user's."""
        if run := self._pick(pick):
            self.step(Op("abort", user, run))

    @rule(user=USER, pick=PICK, expire=st.booleans(), own=st.booleans())
    def answer_question(self, user: int, pick: int, expire: bool, own: bool = False) -> None:
        """A user answers the question of a run, perhaps another user's, or one without a question."""
        if run := self._pick(pick):
            self.step(Op("answer_question", self.model.runs[run].user if own else user, run, expire))

    # --- Workers and readers -----------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["receive", "receive", "receive", "double", "lose"]))
    def message(self, kind: str) -> None:
        """A worker receives the oldest message, or it is doubled or lost."""
        if not self.model.queue:
            return
        run, *rest = self.model.queue
        self.model.queue = (run, *self.model.queue) if kind == "double" else tuple(rest)
        if kind == "receive":
            self.step(Op("carry", run=run))

    @rule(pick=PICK)
    def carry(self, pick: int) -> None:
        """A late copy of a run's message is received."""
        if run := self._pick(pick):
            self.step(Op("carry", run=run))

    @rule()
    def reconcile(self) -> None:
        """The reconciler makes a pass and publishes what it claimed."""
        outcome = self.step(Op("reconcile"))
        for run in outcome[1] if isinstance(outcome, tuple) else ():
            self.step(Op("publish", run=run))

    @rule()
    def claim(self) -> None:
        """A reader claims the next board."""
        self.step(Op("claim"))

    @rule(board=BOARD)
    def look_again(self, board: str) -> None:
        """A reader claims a board for another look."""
        self.step(Op("look_again", board=board))

    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        """A reader renews its lease, which it may have lost."""
        if self.model.claims:
            self.step(Op("renew", self._claim(pick)))

    @rule(pick=st.sampled_from([0, 0, 0, 1, 2]))
    def read(self, pick: int) -> None:
        """A reader ends a reading, whose lease it may have lost, and answers those who wait."""
        if self.model.claims:
            self._publish(self.step(Op("read", self._claim(pick))))

    @rule()
    def read_all(self) -> None:
        """Readers read all boards that are wanted."""
        for _ in range(len(SIZES)):
            if self.step(Op("claim")) is None:
                return
            self.read(0)

    @rule(board=BOARD)
    def read_board(self, board: str) -> None:
        """A reader takes another look at a board."""
        if self.step(Op("look_again", board=board)):
            self.read(0)

    @rule(pick=PICK)
    def proceed(self, pick: int) -> None:
        """A run is carried on until its boards are read and it has ended, if nothing prevents it."""
        self.carry(pick)
        self.read_all()
        self.carry(pick)

    @rule(user=USER)
    def run_through(self, user: int) -> None:
        """A user starts a run, or has one already, and it is carried on until it can go no further."""
        self.start(user)
        if run := self.model.active(user):
            self.step(Op("carry", run=run))
            self.read_all()
            self.step(Op("carry", run=run))

    @rule(board=BOARD, news=st.lists(st.tuples(st.sampled_from(CHANGES), NUMBER, st.sampled_from(sorted(WAITS))),
                                     min_size=1, max_size=4))
    def follow(self, board: str, news: list[tuple[str, int, str]]) -> None:
        """A board changes, time passes, and a reader takes a look, several times."""
        for what, number, name in news:
            self.change(board, what, number)
            self.wait(name)
            self.read_board(board)

    @rule(board=BOARD, what=st.sampled_from(["drop", "shrink", "shrink", "empty", "missing"]), number=NUMBER, user=USER)
    def lose_postings(self, board: str, what: str, number: int, user: int) -> None:
        """A board loses postings for good, and a user's run follows."""
        self.change(board, "well", 0)
        self.change(board, what, number)
        for _ in range(4 if what in ("empty", "missing") else 2):
            self.read_board(board)
            self.wait({"empty": "empty", "missing": "gone"}.get(what, "witness"))
        self.run_through(user)

    @rule(user=USER, depth=st.integers(0, 3), inner=st.sampled_from(INNER), other=PICK, number=st.integers(1, 25),
          board=BOARD, what=st.sampled_from(CHANGES))
    def race(self, user: int, depth: int, inner: str, other: int, number: int, board: str, what: str) -> None:
        """A run comes to some depth. Then another process acts between two statements of its worker, or it dies."""
        self.start(user)
        run = self.model.active(user)
        if depth > 0 and run:
            self.step(Op("carry", run=run))
        if depth > 1:
            self.read_all()
        self.change(board, what, number)
        if inner == "read":
            self.look_again(board)
            other = 0
        if depth == 3:
            self.crash("carry", 0, number // 2)
        self.interrupt("carry", 0, inner, other, number)

    # --- Races -------------------------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["carry", "carry", "read", "reconcile", "claim"]), pick=PICK,
          inner=st.sampled_from(INNER), other=PICK, number=st.integers(1, 30))
    def interrupt(self, kind: str, pick: int, inner: str, other: int, number: int) -> None:
        """Another process acts between two statements of a worker, a reader or a reconciler."""
        op, between = self._op(kind, pick), self._inner(inner, other)
        if not op or not between:
            return
        before = self._begin(op)
        outcome, found = self.product.perform_interrupted(op, number, between)
        for each in (op, *between):
            self.tally["operations"] += 1
            self.tally[each.kind] += 1
        if found is None:
            self._find(before, lambda model: _alone(model, op), outcome, [])
        else:
            self._find(before, lambda model: _with_inner(model, op, between), outcome, found)

    @rule(kind=st.sampled_from(["carry", "carry", "carry", "read", "reconcile"]), pick=PICK, number=st.integers(1, 25))
    def crash(self, kind: str, pick: int, number: int) -> None:
        """A process dies after one of its statements."""
        if not (op := self._op(kind, pick)):
            return
        before = self._begin(op)
        has_died, outcome = self.product.crash(op, number)
        self.tally["operations"] += 1
        self._find(before, lambda model: _prefixes(model, op) if has_died else _alone(model, op), outcome, [])

    @rule(pick=PICK)
    def take_in_against_lock(self, pick: int) -> None:
        """Another session shares the lock of a run: the worker must wait for it, as an abort would have to."""
        run = self._pick(pick)
        if not run or not self._has_work_to_take_in(run):
            return
        op = Op("take_in_only", run=run)
        before = self._begin(op)
        [outcome], waited = self.product.perform_against_lock(run, "SHARE", op)
        if not waited:
            raise Difference(f"run {run} was written to while another session shared its lock")
        self._find(before, lambda model: _alone(model, op), outcome, [])

    @rule(first=PICK, second=PICK, pick=PICK)
    def read_at_once(self, first: int, second: int, pick: int) -> None:
        """Two readers end their readings at once: one of them publishes the run that waits for nothing more."""
        run = self._pick(pick)
        if not run or len(self.model.claims) < 2 or self._claim(first) == self._claim(second):
            return
        ops = [Op("read", self._claim(first)), Op("read", self._claim(second))]
        if self.model.claims[ops[0].who].board == self.model.claims[ops[1].who].board:
            return
        before = self._begin(*ops)
        outcomes, _ = self.product.perform_against_lock(run, "NO KEY UPDATE", *ops)
        self._find(before, lambda model: _merged(model, *ops), outcomes[0], outcomes[1:])

    # --- Parts of rules ----------------------------------------------------------------------------------------------

    def step(self, op: Op) -> Outcome:
        """Perform the operation on the product and the model, compare both, and return the outcome."""
        before = self._begin(op)
        self.tally["operations"] += 1
        outcome = self.product.perform(op)
        self._find(before, lambda model: _alone(model, op), outcome, [])
        return outcome

    def _begin(self, *_ops: Op) -> Model:
        """Let a second pass, so that no two operations happen at the same time; return the model."""
        self.model.now += 1
        self.product.set_clock(self.model.now)
        self.product.sources = self.model.sources
        self.model.written = set()
        for board in self.model.boards.values():
            board.written = set()
        return self.model

    def _find(
        self, before: Model, candidates: Callable[[Model], Iterator[tuple[Model, Outcome, list[Outcome]]]],
        outcome: Outcome, others: list[Outcome],
    ) -> None:
        """Find a legal result that agrees with the tables and the outcomes, and make it the state of the model."""
        found = self.tables.read()
        self.tally["steps"] += 1
        nearest: list[str] | None = None
        for model, own, theirs in candidates(before):
            wrong = differences(expected(model), found)
            if (own, theirs) != (outcome, others):
                wrong.insert(0, f"the outcome was {outcome} {others}, expected {own} {theirs}")
            if not wrong:
                self.model = model
                return
            nearest = wrong if nearest is None or len(wrong) < len(nearest) else nearest
        raise Difference("; ".join((nearest or [])[:MAX_SHOWN]))

    def _publish(self, runs: Outcome) -> None:
        for run in runs if isinstance(runs, list) else ():
            self.step(Op("publish", run=run))

    def _pick(self, pick: int) -> int | None:
        """Return one of the runs, counted from the newest active one, or None."""
        runs = self.model.runs
        order = sorted(runs, key=lambda number: (runs[number].status in ("pending", "initializing", "ingesting"),
                                                 number), reverse=True)
        return order[pick % len(order)] if order else None

    def _claim(self, pick: int) -> int:
        """Return one of the last claims, counted from the newest."""
        return max(0, len(self.model.claims) - 1 - pick)

    def _has_work_to_take_in(self, number: int) -> bool:
        run = self.model.runs[number]
        return run.status == "ingesting" and any(
            each.state == "read" or (each.state == "failed" and each.expired is None) for each in run.companies
        )

    def _op(self, kind: str, pick: int) -> Op | None:
        if kind == "read":
            return Op("read", self._claim(pick)) if self.model.claims else None
        if kind in ("reconcile", "claim"):
            return Op(kind)
        run = self._pick(pick)
        return Op("carry", run=run) if run else None

    def _inner(self, kind: str, pick: int) -> list[Op]:
        """Return the operations that come between. To steal a board, a reader waits until the lease has run out."""
        run = self._pick(pick)
        if kind == "steal":
            board = self.model.claims[-1].board if self.model.claims else "alpha"
            return [Op("wait", seconds=WAITS["lease"]), Op("look_again", board=board)]
        if kind == "start":
            return [Op("start", 1 + pick % len(COMPANIES))]
        if kind in ("claim", "reconcile"):
            return [Op(kind)]
        if kind in ("read", "renew"):
            return [Op(kind, self._claim(pick))] if self.model.claims else []
        if not run:
            return []
        return [Op(kind, self.model.runs[run].user, run, flag=pick % 2 == 0)]


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


def _alone(before: Model, op: Op) -> Candidates:
    model = before.copy()
    yield model, _finish(model.steps(op)), []


def _with_inner(before: Model, op: Op, inner: list[Op]) -> Candidates:
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


def _prefixes(before: Model, op: Op) -> Candidates:
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


def _merged(before: Model, first: Op, second: Op) -> Candidates:
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
