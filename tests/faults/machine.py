"""How the model is held against the product: what an operation is, how it ended, and what must be there afterwards."""

import sys
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.faults.bench import QUEUE, Bench
from tests.faults.history import Violation, now, violations
from tests.faults.sessions import OtherSession
from tests.faults.world import MOVES, Op, Outcome, World, counted, explanations, same

GRACE, WINDOW = 5, 5
KEYS = (None, "a", None, "b")

Range = tuple[datetime, datetime]


class Difference(AssertionError):
    """What is, is not what must be; ``first`` is the first of this process."""

    first: "Difference | None" = None
    enough: type[BaseException] | None = None
    """Raised in its place, where the first is enough."""

    def __init__(self, sentence: str, found: list[Violation] | None = None) -> None:
        super().__init__(sentence)
        self.found = found or []
        Difference.first = Difference.first or self
        if self.enough:
            raise self.enough


class Machine(RuleBasedStateMachine):
    """The model, the product, and the comparison of the two."""

    bench: Bench
    other: OtherSession
    hands: bool = True
    tally: "Counter[str]" = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.bench.empty()
        self.world = World()
        self.times: dict[int, tuple[datetime, datetime | None]] = {}
        self.due: dict[int, Range] = {}
        self.tally["examples"] += 1

    # --- after each --------------------------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_it_must_be(self) -> None:
        """Model and tables agree, and the oracle has nothing to say."""
        history = self.bench.history()
        after = self.bench.world(history)
        found = violations(history)
        if found or after != self.world:
            raise Difference(f"{self.world} must be {after}; {found}", found)
        for run_id, row in history.runs.items():
            times = (row["next_dispatch_at"], row["dispatched_at"])
            if run_id in self.due:
                low, high = self.due[run_id]
                if not low <= times[0] <= high:
                    raise Difference(f"run {run_id} is due at {times[0]}, and must be between {low} and {high}")
            elif self.times.get(run_id, times) != times:
                raise Difference(f"run {run_id}: its times became {times}; nothing was published")
            self.times[run_id] = times
        self.due.clear()
        self.tally["steps"] += 1

    def teardown(self) -> None:
        """In the end all is quiet: what still waits is due, is published and received, and no run is lost."""
        if sys.exc_info()[0]:
            return
        waiting = {run_id for run_id, run in self.world.runs.items() if run.status == "pending"}
        self._time_goes_by(list(range(len(waiting))), len(waiting))
        self.bench.reconcile()
        received = {self.bench.receive() for _ in range(self.bench.broker.llen(QUEUE))}
        if not waiting <= received:
            raise Difference(f"of the pending runs {waiting} workers received only {received}")

    # --- how ---------------------------------------------------------------------------------------------------------

    def _pick(self, pick: int) -> int | None:
        """One of the runs, those that are active and those that are new first."""
        runs = sorted(self.world.runs, key=lambda run_id: (self.world.runs[run_id].is_active, run_id), reverse=True)
        return runs[pick % len(runs)] if runs else None

    def _on(self, pick: int, kind: str, user_id: int = 0) -> None:
        if run_id := self._pick(pick):
            self._do(Op(kind, user_id, run_id))

    def _do(self, op: Op) -> Outcome:
        """Do it, compare how it ended, and return that."""
        self._note(op)
        counts = {run_id: run.dispatch_count for run_id, run in self.world.runs.items()}
        known, began = set(self.world.runs), now()
        outcome = self.bench.perform(op)
        if outcome == ("killed",):
            found = [run_id for run_id in self.bench.history().runs if run_id not in known]
            outcome = ("killed", found[0]) if len(found) == 1 else ("killed", f"left {found}")
        self._agree(op, self.world.apply(op, outcome), outcome)
        if op.kind == "publish" or outcome[0] in ("started", "killed"):
            run_id = op.run_id or outcome[1]
            self._published([(run_id, counts.get(run_id, 0))])
            if op.kill:
                self._becomes_due(run_id, began, GRACE)
            else:
                self._becomes_due(run_id, began, back_off(counts.get(run_id, 0)))
        self._published([])
        return outcome

    def _stamped(self, run_id: int, began: datetime) -> None:
        self._becomes_due(run_id, began, back_off(self.world.runs[run_id].dispatch_count))
        self.world.apply(Op("publish", run_id=run_id), ())

    def _becomes_due(self, run_id: int, began: datetime, seconds: float) -> None:
        self.due[run_id] = (began + timedelta(seconds=seconds), now() + timedelta(seconds=seconds))

    def _time_goes_by(self, order: list[int], number: int) -> list[int]:
        """Some pending runs become due, in this order, and all that are not pending; the others are not for long."""
        pending = [run_id for run_id, run in sorted(self.world.runs.items()) if run.status == "pending"]
        due = [pending[n] for n in order if n < len(pending)][:number]
        self.bench.connection.execute(
            "UPDATE ingestion_runs SET next_dispatch_at = now() + make_interval(secs => CASE WHEN status <> 'pending'"
            " THEN -1000 ELSE coalesce(array_position(%s::int[], id) - 100, 3600) END)",
            (due,),
        )
        self.times.clear()
        return due

    def _pair(self, held: str, waiting: str, user: int, pick: int) -> tuple[Op | None, Op]:
        """What is held and what comes: both about one run, or about one user's start."""
        user_id, run_id = self.bench.users[user], self._pick(pick)
        if held in ("start", "spent_start") and self.world.current(user_id) is None:
            comes = "start" if waiting == "publish" and run_id is None else waiting
            used = {run.key for run in self.world.runs.values() if run.user_id == user_id}
            key = KEYS[pick] if KEYS[pick] not in used else None
            return Op(held, user_id, key=key, kill="publish"), Op(comes, user_id, run_id or 1, KEYS[pick])
        if run_id is None:
            return None, Op(waiting, user_id)
        run = self.world.runs[run_id]
        legal = held in MOVES and run.status in MOVES[held][1]
        return Op(held if legal else "lock", run.user_id, run_id), Op(waiting, run.user_id, run_id, KEYS[pick])

    def _of(self, holds: Op, held_id: int, began: datetime) -> Outcome:
        """What the other session's client was told."""
        if holds.kind in ("start", "spent_start"):
            self.bench.log.note("started", holds.user_id, began, held_id, key=holds.key)
            return ("killed", held_id)
        if holds.kind == "abort":
            self.bench.log.note("aborted", holds.user_id, began, held_id)
        return ("ok",)

    def _came(self, op: Op, result: Any, ids: list[int]) -> None:
        """How the one who came fared."""
        if op.kind == "take":
            if result != ("took", ids):
                raise Difference(f"a reconciler {result}, where {ids} were due and not held")
        else:
            self._agree(op, self.world.apply(op, result), result)

    def _agree(self, op: Op, expected: Outcome, actual: Outcome) -> None:
        if not same(op, expected, actual):
            raise Difference(f"{op} ended {actual}, and must end {expected}", violations(self.bench.history()))

    def _published(self, expected: list[tuple[int, int]]) -> None:
        """What was published, and how often each had been then, read by another session at that moment."""
        found = self.bench.published[:]
        self.bench.published.clear()
        if found != expected:
            raise Difference(f"published, with the count then to be read: {found}; must be {expected}")

    def _none_unseen(self) -> None:
        if unseen := [run_id for run_id, count in self.bench.published if count is None]:
            raise Difference(f"runs {unseen} were published before anybody could read them")
        self.bench.published.clear()

    def _note(self, *ops: Op) -> None:
        self.tally["operations"] += len(ops)

    def _op(self, kind: str, user: int, pick: int) -> Op:
        run_id = self._pick(pick)
        if kind == "publish" and run_id is None:
            kind = "start"
        return Op(kind, self.bench.users[user], run_id or 1, KEYS[pick] if kind == "start" else None)

    def _explain(self, ops: list[Op], outcomes: list[Outcome]) -> None:
        """Find an order in which these may have come."""
        self._note(*ops)
        after = self.bench.world(self.bench.history())
        for world in explanations(self.world, ops, outcomes):
            if world.runs == after.runs and counted(world.queue) == counted(after.queue):
                break
        else:
            told = list(zip(ops, outcomes, strict=True))
            found = violations(self.bench.history())
            raise Difference(f"no order explains {told}: {self.world} became {after}; {found}", found)
        self.world = after
        self.times.clear()
        self._none_unseen()


def back_off(published: int) -> int:
    """Seconds until a message is published again."""
    return min(15 * 2 ** min(published, 10), 300)
