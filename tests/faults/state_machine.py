"""The rules of the model check: users, workers and reconcilers act in any order and at once, and may crash.

They run against the real PostgreSQL and Redis. After each step the tables, the queue and every answer must agree with
the model.
"""

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import rule

from app.services import publisher
from tests.faults import illegal_statements
from tests.faults.comparison import CLAIM_SECONDS, GRACE_SECONDS, KEYS, Difference, ModelComparison
from tests.faults.concurrent_sessions import run_at_barrier
from tests.faults.harness import QUEUE, Killed
from tests.faults.history_checker import now
from tests.faults.model import MOVES, Operation
from tests.support.outages import refusing

STEPS = {"pending": "claim", "initializing": "advance", "ingesting": "finish"}
USER = st.integers(0, 1)
PICK = st.integers(0, 3)
WORK = st.sampled_from(["claim", "advance", "finish", "fail", "rescue"])
KEY = st.sampled_from(KEYS)
KILL = st.sampled_from([None, None, "publish", "mark_published"])
AT_ONCE = st.sampled_from(["start", "abort", "operator_abort", *MOVES, "publish", "get", "current"])
HELD = st.sampled_from(
    ["start", "start_and_abort", "lock", "abort", "operator_abort", "claim", "advance", "finish", "fail"]
)
WAITING = st.sampled_from(["start", "start", "abort", "operator_abort", "claim", "advance", "finish", "fail", "publish",
                           "claim_due", "get", "current"])


class RunsStateMachine(ModelComparison):
    """Two users and their runs.

    No rule has a precondition, because the state may depend on the winner of a race. A rule without a run to act on
    does nothing.
    """

    # --- Sequential --------------------------------------------------------------------------------------------------

    @rule(user=USER, kill=KILL, key=KEY)
    def start(self, user: int, kill: str | None, key: str | None) -> None:
        """A user starts a run. The process may die before it publishes, or before it marks the run as published."""
        last = self.harness.last_id()
        outcome = self._perform(Operation("start", self.harness.users[user], kill=kill, key=key))
        if outcome[0] not in ("started", "killed") and self.harness.last_id() != last:
            raise Difference(f"a start with the outcome {outcome[0]} used up an id")

    @rule(user=USER, key=st.sampled_from(["a", "b", "a", None]))
    def start_from_unknown_preview(self, user: int, key: str | None) -> None:
        """A user starts from a preview that does not exist, perhaps with a key of another request."""
        self._perform(Operation("start", self.harness.users[user], key=key, unknown_preview=True))

    @rule(user=USER)
    def start_without_broker(self, user: int) -> None:
        """A user starts a run while Redis refuses connections: the run is stored and soon due."""
        op = Operation("start", self.harness.users[user])
        began = now()
        with refusing(self.harness.broker):
            outcome = self.harness.perform(op)
        publisher.breaker = publisher.CircuitBreaker()
        self.harness.published.clear()
        as_killed = Operation("start", op.user_id, kill="publish")
        expected = self.model.apply(as_killed, outcome)
        self._compare(op, ("started", expected[1]) if expected[0] == "killed" else expected, outcome)
        if outcome[0] == "started":
            self._expect_due(outcome[1], began, GRACE_SECONDS)

    @rule(user=USER, pick=PICK)
    def abort(self, user: int, pick: int) -> None:
        """A user aborts a run, their own or another user's."""
        self._perform_on(pick, "abort", self.harness.users[user])

    @rule(pick=PICK)
    def operator_abort(self, pick: int) -> None:
        """The operator aborts a run."""
        self._perform_on(pick, "operator_abort")

    @rule(kind=WORK, pick=PICK)
    def work(self, kind: str, pick: int) -> None:
        """A worker tries a move of a run, legal or not."""
        self._perform_on(pick, kind)

    @rule(pick=PICK, steps=st.integers(1, 3))
    def proceed(self, pick: int, steps: int) -> None:
        """A worker moves a run on, and may stop after any move."""
        for _ in range(steps):
            if (run_id := self._pick(pick)) and self.model.runs[run_id].is_active:
                self._perform(Operation(STEPS[self.model.runs[run_id].status], run_id=run_id))
                self.check_state()

    @rule(user=USER, pick=PICK)
    def read_everything(self, user: int, pick: int) -> None:
        """A user reads a run (their own or another user's), its events, the current run and the list of runs."""
        for kind in ("get", "current", "events", "runs"):
            self._perform_on(pick, kind, self.harness.users[user])

    @rule(pick=PICK)
    def publish(self, pick: int) -> None:
        """A run's message is published, whatever the run's status."""
        self._perform_on(pick, "publish")

    @rule(kind=st.sampled_from(["receive", "duplicate", "lose"]), count=st.integers(1, 3))
    def message(self, kind: str, count: int) -> None:
        """A worker receives messages and claims their runs, or messages are duplicated or lost."""
        for _ in range(count):
            if not self.model.queue:
                return
            if kind == "duplicate":
                self.harness.broker.lpush(QUEUE, self.harness.broker.lindex(QUEUE, -1))
                self.model.queue.append(self.model.queue[0])
                continue
            expected = self.model.queue.pop(0)
            if kind == "lose":
                self.harness.broker.rpop(QUEUE)
                continue
            received = self.harness.receive()
            if received != expected:
                raise Difference(f"a worker received run {received}, but the oldest message was for run {expected}")
            self._perform(Operation("claim", run_id=received))

    @rule(order=st.permutations(range(4)), due=st.integers(0, 4), kill=KILL, at=st.integers(0, 2))
    def reconcile(self, order: list[int], due: int, kill: str | None, at: int) -> None:
        """Some runs become due, and a reconciler makes a pass, or dies during it."""
        ids = self._make_due(order, due)
        killed = kill is not None and at < len(ids)
        began = now()
        try:
            number = self.harness.reconcile(kill if killed else None, at)
            if killed or number != len(ids):
                raise Difference(f"a pass published {number} runs, but {ids} were due")
        except Killed:
            pass
        published = ids[:at] if killed else ids
        tried = ids[: at + 1] if killed else ids
        self._check_published([(run_id, self.model.runs[run_id].dispatch_count) for run_id in tried])
        for run_id in published:
            self._check_marked_published(run_id, began)
        if killed and kill == "mark_published":
            self.model.queue.append(ids[at])
        for run_id in ids[len(published):]:
            self._expect_due(run_id, began, CLAIM_SECONDS)

    @rule(order=st.permutations(range(4)), due=st.integers(1, 4))
    def claim_due(self, order: list[int], due: int) -> None:
        """A reconciler claims the due runs and dies; the next one finds none until the claims expire."""
        ids = self._make_due(order, due)
        began = now()
        claimed = [self.harness.claim_due(), self.harness.claim_due()]
        if claimed != [ids, []]:
            raise Difference(f"two reconcilers claimed {claimed}, but {ids} were due")
        for run_id in ids:
            self._expect_due(run_id, began, CLAIM_SECONDS)

    @rule(pick=PICK)
    def execute_illegal_statements(self, pick: int) -> None:
        """Illegal statements are typed into psql: the database refuses each one."""
        run_id = self._pick(pick)
        if run_id is None or not self.with_illegal_sql:
            return
        for statement in illegal_statements.illegal_statements(run_id, self.model.runs[run_id]):
            try:
                self.harness.connection.execute(statement)
            except psycopg.IntegrityError:
                continue
            raise Difference(f"the database did not refuse: {statement}")

    # --- Concurrent --------------------------------------------------------------------------------------------------

    @rule(given=st.lists(st.tuples(AT_ONCE, USER, PICK), min_size=2, max_size=4))
    def at_once(self, given: list[tuple[str, int, int]]) -> None:
        """Several operations start at a barrier. Some order of these must explain all answers and the tables."""
        ops = [self._op(*each) for each in given]
        self._find_order(ops, run_at_barrier(*[lambda op=op: self.harness.perform(op) for op in ops]))

    @rule(
        outer=st.tuples(AT_ONCE, USER, PICK), inner=st.tuples(AT_ONCE, USER, PICK), statement_number=st.integers(1, 2)
    )
    def interrupt(self, outer: tuple[str, int, int], inner: tuple[str, int, int], statement_number: int) -> None:
        """One operation runs between two statements of another."""
        ops = [self._op(*outer), self._op(*inner)]
        outcomes = self.harness.perform_interrupted(ops[0], statement_number, ops[1])
        self._find_order(ops[: len(outcomes)], outcomes)

    @rule(order=st.permutations(range(4)), number=st.integers(2, 3))
    def reconcilers_at_once(self, order: list[int], number: int) -> None:
        """Several reconcilers claim at once: each due run is claimed by exactly one."""
        ids = self._make_due(order, 4)
        claimed = run_at_barrier(*[self.harness.claim_due] * number)
        if sorted(sum(claimed, [])) != sorted(ids):
            raise Difference(f"reconcilers at once claimed {claimed}, but {ids} were due")
        self.times.clear()

    @rule(held=HELD, waiting=WAITING, user=USER, pick=PICK, commit=st.sampled_from([True, True, False]))
    def overtake(self, held: str, waiting: str, user: int, pick: int, commit: bool) -> None:
        """One session holds a transaction open while another runs, waits if it must, and then sees the result.

        For a move, the first session at first only locks the row. It makes the move once the other session waits. So
        the waiting operation begins before the move and ends after it.
        """
        holds, op = self._pair(held, waiting, user, pick)
        if holds is None:
            return
        self._count(holds, op)
        ids = self._make_due([0, 1, 2, 3], 4) if waiting == "claim_due" else []
        if holds.kind == "advance":
            self.harness.add_company(holds.run_id)
        began = now()
        held_id = self.other_session.hold(Operation("lock", run_id=holds.run_id) if holds.kind in MOVES else holds)
        with self.other_session.overlapping(lambda: self.harness.perform(op)) as (future, waits):
            if not waits:
                self._check_waiting(op, future.result(), [each for each in ids if each != held_id])
            if holds.kind in MOVES:
                self.other_session.hold(holds)
            self.other_session.end(commit)
            if commit and holds.kind != "lock":
                expected = self.model.apply(holds, ("killed", held_id))
                self._compare(holds, expected, self._held_outcome(holds, held_id, began))
            if waits:
                if waiting == "claim_due":
                    raise Difference("the claim of the due runs waits for a locked row")
                self._check_waiting(op, future.result(), [])
        self.times.clear()
        self._check_published_runs_existed()
