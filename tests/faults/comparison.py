"""The comparison of the product with the model: the outcome of each operation, and the state after it."""

import sys
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.faults.concurrent_sessions import ConcurrentSession
from tests.faults.harness import QUEUE, Harness
from tests.faults.history_checker import Violation, now, violations
from tests.faults.model import MOVES, ModelState, Operation, Outcome, count_messages, outcomes_agree, possible_states

GRACE_SECONDS, CLAIM_SECONDS, UNDER_WAY_SECONDS = 5, 5, 10
KEYS = (None, "a", None, "b")

Range = tuple[datetime, datetime]


class Difference(AssertionError):
    """The product differs from the model. ``first`` is the first difference of this process."""

    first: "Difference | None" = None
    enough: type[BaseException] | None = None
    """The exception to raise instead, if the check stops at the first difference."""

    def __init__(self, sentence: str, found: list[Violation] | None = None) -> None:
        super().__init__(sentence)
        self.found = found or []
        Difference.first = Difference.first or self
        if self.enough:
            raise self.enough


class ModelComparison(RuleBasedStateMachine):
    """A state machine that runs each operation on the product and on the model, and compares the two."""

    harness: Harness
    other_session: ConcurrentSession
    with_illegal_sql: bool = True
    tally: "Counter[str]" = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.harness.empty()
        self.model = ModelState()
        self.times: dict[int, tuple[datetime, datetime | None]] = {}
        self.due: dict[int, Range] = {}
        self.tally["examples"] += 1

    # --- After each step ---------------------------------------------------------------------------------------------

    @invariant()
    def check_state(self) -> None:
        """Check that model and tables agree, and that the history checker finds no violation."""
        history = self.harness.history()
        after = self.harness.state(history)
        found = violations(history)
        if found or after != self.model:
            raise Difference(f"expected {self.model}, found {after}; {found}", found)
        for run_id, row in history.runs.items():
            times = (row["next_dispatch_at"], row["dispatched_at"])
            if run_id in self.due:
                low, high = self.due[run_id]
                if not low <= times[0] <= high:
                    raise Difference(f"run {run_id} is due at {times[0]}, expected between {low} and {high}")
            elif self.times.get(run_id, times) != times:
                raise Difference(f"run {run_id} was not published or claimed, but its times changed to {times}")
            self.times[run_id] = times
        self.due.clear()
        self.tally["steps"] += 1

    def teardown(self) -> None:
        """Make every active run due, publish it and receive it: no run may be lost."""
        if sys.exc_info()[0]:
            return
        active = {run_id for run_id, run in self.model.runs.items() if run.is_active}
        self._make_due(list(range(len(active))), len(active))
        self.harness.reconcile()
        received = {self.harness.receive() for _ in range(self.harness.broker.llen(QUEUE))}
        if not active <= received:
            raise Difference(f"of the active runs {active} workers received only {received}")

    # --- Steps -------------------------------------------------------------------------------------------------------

    def _pick(self, pick: int) -> int | None:
        """Return one of the runs, counted from the newest active one, or None."""
        runs = sorted(self.model.runs, key=lambda run_id: (self.model.runs[run_id].is_active, run_id), reverse=True)
        return runs[pick % len(runs)] if runs else None

    def _perform_on(self, pick: int, kind: str, user_id: int = 0) -> None:
        if run_id := self._pick(pick):
            self._perform(Operation(kind, user_id, run_id))

    def _perform(self, op: Operation) -> Outcome:
        """Perform the operation, compare its outcome with the model's, and return it."""
        self._count(op)
        before = dict(self.model.runs)
        known, began = set(self.model.runs), now()
        outcome = self.harness.perform(op)
        if outcome == ("killed",):
            found = [run_id for run_id in self.harness.history().runs if run_id not in known]
            outcome = ("killed", found[0]) if len(found) == 1 else ("killed", f"left {found}")
        self._compare(op, self.model.apply(op, outcome), outcome)
        if op.kind == "publish" or outcome[0] in ("started", "killed"):
            run_id = op.run_id or outcome[1]
            count = before[run_id].dispatch_count if run_id in before else 0
            self._check_published([(run_id, count)])
            if op.kill:
                self._expect_due(run_id, began, GRACE_SECONDS)
            else:
                self._expect_published(run_id, began, before.get(run_id, self.model.runs[run_id]).status, count)
        if op.kind == "claim" and outcome == ("ok",):
            self._expect_due(op.run_id, began, UNDER_WAY_SECONDS)
        self._check_published([])
        return outcome

    def _check_marked_published(self, run_id: int, began: datetime) -> None:
        run = self.model.runs[run_id]
        self._expect_published(run_id, began, run.status, run.dispatch_count)
        self.model.apply(Operation("publish", run_id=run_id), ())

    def _expect_published(self, run_id: int, began: datetime, status: str, count: int) -> None:
        """Expect the next publish of a run of this status that was published ``count`` times before this one."""
        if status == "pending":
            self._expect_due(run_id, began, back_off(count))
        elif self.model.runs[run_id].is_active:
            self._expect_due(run_id, began, UNDER_WAY_SECONDS)

    def _expect_due(self, run_id: int, began: datetime, seconds: float) -> None:
        self.due[run_id] = (began + timedelta(seconds=seconds), now() + timedelta(seconds=seconds))

    def _make_due(self, order: list[int], number: int) -> list[int]:
        """Make some active runs due, in this order; return their ids.

        All runs that have ended become due too, and must be left alone. The other active runs are due in an hour.
        """
        active = [run_id for run_id, run in sorted(self.model.runs.items()) if run.is_active]
        due = [active[n] for n in order if n < len(active)][:number]
        self.harness.connection.execute(
            "UPDATE ingestion_runs SET next_dispatch_at = now() + make_interval(secs => CASE WHEN finished_at IS NOT"
            " NULL THEN -1000 ELSE coalesce(array_position(%s::int[], id) - 100, 3600) END)",
            (due,),
        )
        self.times.clear()
        return due

    def _pair(self, held: str, waiting: str, user: int, pick: int) -> tuple[Operation | None, Operation]:
        """Return the operation to hold and the one that overlaps it, on the same run or on the same user's start."""
        user_id, run_id = self.harness.users[user], self._pick(pick)
        if held in ("start", "start_and_abort") and self.model.current(user_id) is None:
            kind = "start" if waiting == "publish" and run_id is None else waiting
            used = {run.key for run in self.model.runs.values() if run.user_id == user_id}
            key = KEYS[pick] if KEYS[pick] not in used else None
            return Operation(held, user_id, key=key, kill="publish"), Operation(kind, user_id, run_id or 1, KEYS[pick])
        if run_id is None:
            return None, Operation(waiting, user_id)
        run = self.model.runs[run_id]
        legal = held in MOVES and run.status in MOVES[held][1]
        holds = Operation(held if legal else "lock", run.user_id, run_id)
        return holds, Operation(waiting, run.user_id, run_id, KEYS[pick])

    def _held_outcome(self, holds: Operation, held_id: int, began: datetime) -> Outcome:
        """Record the held operation in the client log; return its outcome."""
        if holds.kind in ("start", "start_and_abort"):
            self.harness.log.record("started", holds.user_id, began, held_id, key=holds.key)
            return ("killed", held_id)
        if holds.kind == "abort":
            self.harness.log.record("aborted", holds.user_id, began, held_id)
        return ("ok",)

    def _check_waiting(self, op: Operation, result: Any, ids: list[int]) -> None:
        """Compare the outcome of the operation that overlapped the held one."""
        if op.kind == "claim_due":
            if result != ("claimed", ids):
                raise Difference(f"a reconciler {result}, but {ids} were due and not locked")
        else:
            self._compare(op, self.model.apply(op, result), result)

    def _compare(self, op: Operation, expected: Outcome, actual: Outcome) -> None:
        if not outcomes_agree(op, expected, actual):
            raise Difference(f"{op} ended {actual}, expected {expected}", violations(self.harness.history()))

    def _check_published(self, expected: list[tuple[int, int]]) -> None:
        """Compare the published runs, each with its dispatch_count as another session read it at that moment."""
        found = self.harness.published[:]
        self.harness.published.clear()
        if found != expected:
            raise Difference(f"published (run, dispatch_count): {found}, expected {expected}")

    def _check_published_runs_existed(self) -> None:
        if unseen := [run_id for run_id, count in self.harness.published if count is None]:
            raise Difference(f"runs {unseen} were published before their commit")
        self.harness.published.clear()

    def _count(self, *ops: Operation) -> None:
        self.tally["operations"] += len(ops)

    def _op(self, kind: str, user: int, pick: int) -> Operation:
        run_id = self._pick(pick)
        if kind == "publish" and run_id is None:
            kind = "start"
        return Operation(kind, self.harness.users[user], run_id or 1, KEYS[pick] if kind == "start" else None)

    def _find_order(self, ops: list[Operation], outcomes: list[Outcome]) -> None:
        """Find an order of these operations that explains their outcomes and the state after them."""
        self._count(*ops)
        after = self.harness.state(self.harness.history())
        for state in possible_states(self.model, ops, outcomes):
            if state.runs == after.runs and count_messages(state.queue) == count_messages(after.queue):
                break
        else:
            pairs = list(zip(ops, outcomes, strict=True))
            found = violations(self.harness.history())
            raise Difference(f"no order explains {pairs}: {self.model} became {after}; {found}", found)
        self.model = after
        self.times.clear()
        self._check_published_runs_existed()


def back_off(published: int) -> int:
    """Return the seconds until a run that was published ``published`` times before is published again."""
    return min(15 * 2 ** min(published, 10), 300)
