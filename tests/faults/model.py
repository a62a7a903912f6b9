"""The model check: anything users, workers, reconcilers and crashes may do, in any order and at once, against the real
PostgreSQL and Redis; after each step the tables, the queue and every answer must be what a few lines of Python say.
"""

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import rule

from app.services import publisher
from tests.faults import by_hand
from tests.faults.bench import QUEUE, Killed
from tests.faults.history import now
from tests.faults.machine import GRACE, KEYS, WINDOW, Difference, Machine
from tests.faults.sessions import together
from tests.faults.world import MOVES, Op
from tests.support.outages import refusing

STEPS = {"pending": "claim", "initializing": "advance", "ingesting": "finish"}
USER = st.integers(0, 1)
PICK = st.integers(0, 3)
WORK = st.sampled_from(["claim", "advance", "finish", "fail", "rescue"])
KEY = st.sampled_from(KEYS)
KILL = st.sampled_from([None, None, "publish", "stamp"])
AT_ONCE = st.sampled_from(["start", "abort", "operator_abort", *MOVES, "publish", "get", "current"])
HELD = st.sampled_from(
    ["start", "spent_start", "lock", "abort", "operator_abort", "claim", "advance", "finish", "fail"]
)
WAITING = st.sampled_from(["start", "start", "abort", "operator_abort", "claim", "advance", "finish", "fail", "publish",
                           "take", "get", "current"])


class RunsMachine(Machine):
    """Two users and their runs. No rule has a precondition, because what is there may depend on who won a race: a rule
    that has nothing to do does nothing."""

    # --- one after the other -----------------------------------------------------------------------------------------

    @rule(user=USER, kill=KILL, key=KEY)
    def start(self, user: int, kill: str | None, key: str | None) -> None:
        """A user starts a run; the process may die before the publish, or before its stamp."""
        last = self.bench.last_id()
        outcome = self._do(Op("start", self.bench.users[user], kill=kill, key=key))
        if outcome[0] not in ("started", "killed") and self.bench.last_id() != last:
            raise Difference(f"a start that was {outcome[0]} took an id all the same")

    @rule(user=USER, key=st.sampled_from(["a", "b", "a", None]))
    def start_something_else(self, user: int, key: str | None) -> None:
        """A user starts from a preview that is not there, perhaps with a key that started something else."""
        self._do(Op("start", self.bench.users[user], key=key, other=True))

    @rule(user=USER)
    def start_while_the_broker_is_away(self, user: int) -> None:
        """The run is there all the same, and due in a moment."""
        op = Op("start", self.bench.users[user])
        began = now()
        with refusing(self.bench.broker):
            outcome = self.bench.perform(op)
        publisher.breaker = publisher.CircuitBreaker()
        self.bench.published.clear()
        as_killed = Op("start", op.user_id, kill="publish")
        expected = self.world.apply(as_killed, outcome)
        self._agree(op, ("started", expected[1]) if expected[0] == "killed" else expected, outcome)
        if outcome[0] == "started":
            self._becomes_due(outcome[1], began, GRACE)

    @rule(user=USER, pick=PICK)
    def abort(self, user: int, pick: int) -> None:
        """A user aborts a run, his own or another's."""
        self._on(pick, "abort", self.bench.users[user])

    @rule(pick=PICK)
    def operator_abort(self, pick: int) -> None:
        """The operator aborts a run."""
        self._on(pick, "operator_abort")

    @rule(kind=WORK, pick=PICK)
    def work(self, kind: str, pick: int) -> None:
        """A worker does something to a run, whether it is its turn or not."""
        self._on(pick, kind)

    @rule(pick=PICK, steps=st.integers(1, 3))
    def proceed(self, pick: int, steps: int) -> None:
        """A worker goes on with a run, and may die anywhere on the way."""
        for _ in range(steps):
            if (run_id := self._pick(pick)) and self.world.runs[run_id].is_active:
                self._do(Op(STEPS[self.world.runs[run_id].status], run_id=run_id))
                self.everything_is_as_it_must_be()

    @rule(user=USER, pick=PICK)
    def look(self, user: int, pick: int) -> None:
        """A user looks at everything: a run, his own or another's, what is active, and his history."""
        for kind in ("get", "current", "events", "runs"):
            self._on(pick, kind, self.bench.users[user])

    @rule(pick=PICK)
    def publish(self, pick: int) -> None:
        """A run's message is published, whatever became of the run."""
        self._on(pick, "publish")

    @rule(kind=st.sampled_from(["receive", "double", "lose"]), count=st.integers(1, 3))
    def message(self, kind: str, count: int) -> None:
        """Messages are received by a worker, which claims; or come twice, or are lost."""
        for _ in range(count):
            if not self.world.queue:
                return
            if kind == "double":
                self.bench.broker.lpush(QUEUE, self.bench.broker.lindex(QUEUE, -1))
                self.world.queue.append(self.world.queue[0])
                continue
            expected = self.world.queue.pop(0)
            if kind == "lose":
                self.bench.broker.rpop(QUEUE)
                continue
            received = self.bench.receive()
            if received != expected:
                raise Difference(f"run {received} was received, where the message of run {expected} was the oldest")
            self._do(Op("claim", run_id=received))

    @rule(order=st.permutations(range(4)), due=st.integers(0, 4), kill=KILL, place=st.integers(0, 2))
    def reconcile(self, order: list[int], due: int, kill: str | None, place: int) -> None:
        """Time goes by for some runs, and a reconciler passes, or dies on the way."""
        ids = self._time_goes_by(order, due)
        killed = kill is not None and place < len(ids)
        began = now()
        try:
            number = self.bench.reconcile(kill if killed else None, place)
            if killed or number != len(ids):
                raise Difference(f"a pass published {number} runs, where {ids} were due")
        except Killed:
            pass
        published = ids[:place] if killed else ids
        tried = ids[: place + 1] if killed else ids
        self._published([(run_id, self.world.runs[run_id].dispatch_count) for run_id in tried])
        for run_id in published:
            self._stamped(run_id, began)
        if killed and kill == "stamp":
            self.world.queue.append(ids[place])
        for run_id in ids[len(published):]:
            self._becomes_due(run_id, began, WINDOW)

    @rule(order=st.permutations(range(4)), due=st.integers(1, 4))
    def take(self, order: list[int], due: int) -> None:
        """A reconciler takes what is due and dies; the next one finds nothing for a while."""
        ids = self._time_goes_by(order, due)
        began = now()
        taken = [self.bench.claim_due(), self.bench.claim_due()]
        if taken != [ids, []]:
            raise Difference(f"two reconcilers took {taken}, where {ids} were due")
        for run_id in ids:
            self._becomes_due(run_id, began, WINDOW)

    @rule(pick=PICK)
    def type_by_hand(self, pick: int) -> None:
        """Somebody types whatever is illegal into psql, and is refused."""
        run_id = self._pick(pick)
        if run_id is None or not self.hands:
            return
        for statement in by_hand.statements(run_id, self.world.runs[run_id]):
            try:
                self.bench.connection.execute(statement)
            except psycopg.IntegrityError:
                continue
            raise Difference(f"the database did not refuse: {statement}")

    # --- at once -----------------------------------------------------------------------------------------------------

    @rule(given=st.lists(st.tuples(AT_ONCE, USER, PICK), min_size=2, max_size=4))
    def at_once(self, given: list[tuple[str, int, int]]) -> None:
        """Several at a barrier; some order of the model must explain all answers and the tables."""
        ops = [self._op(*each) for each in given]
        self._explain(ops, together(*[lambda op=op: self.bench.perform(op) for op in ops]))

    @rule(outer=st.tuples(AT_ONCE, USER, PICK), inner=st.tuples(AT_ONCE, USER, PICK), place=st.integers(1, 2))
    def interrupt(self, outer: tuple[str, int, int], inner: tuple[str, int, int], place: int) -> None:
        """One operation comes between two statements of another."""
        ops = [self._op(*outer), self._op(*inner)]
        outcomes = self.bench.perform_around(ops[0], place, ops[1])
        self._explain(ops[: len(outcomes)], outcomes)

    @rule(order=st.permutations(range(4)), number=st.integers(2, 3))
    def reconcilers_at_once(self, order: list[int], number: int) -> None:
        """Each run that is due is taken once."""
        ids = self._time_goes_by(order, 4)
        taken = together(*[self.bench.claim_due] * number)
        if sorted(sum(taken, [])) != sorted(ids):
            raise Difference(f"reconcilers at once took {taken}, where {ids} were due")
        self.times.clear()

    @rule(held=HELD, waiting=WAITING, user=USER, pick=PICK, commit=st.sampled_from([True, True, False]))
    def overtake(self, held: str, waiting: str, user: int, pick: int, commit: bool) -> None:
        """One session is in the middle of something; another comes, waits if it must, and finds what the first left.

        A move is only begun with the row's lock, and made when the other waits: so the later one has begun earlier.
        """
        holds, op = self._pair(held, waiting, user, pick)
        if holds is None:
            return
        self._note(holds, op)
        ids = self._time_goes_by([0, 1, 2, 3], 4) if waiting == "take" else []
        if holds.kind == "advance":
            self.bench.take_in(holds.run_id)
        began = now()
        held_id = self.other.hold(Op("lock", run_id=holds.run_id) if holds.kind in MOVES else holds)
        with self.other.overtakes(lambda: self.bench.perform(op)) as (future, waits):
            if not waits:
                self._came(op, future.result(), [each for each in ids if each != held_id])
            if holds.kind in MOVES:
                self.other.hold(holds)
            self.other.end(commit)
            if commit and holds.kind != "lock":
                self._agree(holds, self.world.apply(holds, ("killed", held_id)), self._of(holds, held_id, began))
            if waits:
                if waiting == "take":
                    raise Difference("taking what is due waits for a row that somebody holds")
                self._came(op, future.result(), [])
        self.times.clear()
        self._none_unseen()
