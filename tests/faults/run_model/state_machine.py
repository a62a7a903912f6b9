"""The rules of the check: what users, workers, readers and boards do, in any order and between each other's statements.

After each step the tables must agree with the model. Of a step with a race, one legal order must explain all.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.faults.comparison import Difference
from tests.faults.run_model.comparison import RunComparison
from tests.faults.run_model.orders import alone, merged, prefixes, with_inner
from tests.faults.run_model.world import CHANGES, COMPANIES, FILTERS, SIZES, WAITS, Op, change_source

USER = st.sampled_from(sorted(COMPANIES))
BOARD = st.sampled_from(sorted(SIZES))
PICK = st.integers(0, 3)
NUMBER = st.integers(0, 70)
INNER = ("carry", "take_in_part", "abort", "read", "claim", "steal", "start", "reconcile", "renew", "answer_question")


class RunModelMachine(RunComparison):
    """Three users, three boards and their runs.

    No rule has a precondition. A rule that has nothing to act on does nothing.
    """

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

    @rule(board=BOARD, is_release=st.booleans())
    def hold(self, board: str, is_release: bool) -> None:
        """The operator puts a board on hold, or releases it."""
        self.step(Op("release" if is_release else "hold", board=board))

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
            self._find(before, lambda model: alone(model, op), outcome, [])
        else:
            self._find(before, lambda model: with_inner(model, op, between), outcome, found)

    @rule(kind=st.sampled_from(["carry", "carry", "carry", "read", "reconcile"]), pick=PICK, number=st.integers(1, 25))
    def crash(self, kind: str, pick: int, number: int) -> None:
        """A process dies after one of its statements."""
        if not (op := self._op(kind, pick)):
            return
        before = self._begin(op)
        has_died, outcome = self.product.crash(op, number)
        self.tally["operations"] += 1
        self._find(before, lambda model: prefixes(model, op) if has_died else alone(model, op), outcome, [])

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
        self._find(before, lambda model: alone(model, op), outcome, [])

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
        self._find(before, lambda model: merged(model, *ops), outcomes[0], outcomes[1:])
