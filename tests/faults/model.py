"""The model: how runs must behave, in plain Python without locks, SQL or message formats."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

ACTIVE = ("pending", "initializing", "ingesting")
MOVES = {
    "abort": ("aborted", ACTIVE, "user"),
    "operator_abort": ("aborted", ACTIVE, "operator"),
    "claim": ("initializing", ("pending",), "worker"),
    "advance": ("ingesting", ("initializing",), "worker"),
    "finish": ("finished", ("ingesting",), "worker"),
    "fail": ("error", ACTIVE, "worker"),
    "rescue": ("error", ACTIVE, "rescue"),
}
"""By operation: the new status, the statuses from which the move is legal, and the actor."""

REASON = "The board vanished."
COUNTS = (2, 1, 1, 3)
"""The counts of a finished run: the sums of its company."""

Outcome = tuple[Any, ...]


@dataclass(frozen=True)
class Operation:
    """An operation, with its user and its run if it has them.

    ``kill`` is the point at which its process dies. ``unknown_preview`` starts from a preview that does not exist.
    """

    kind: str
    user_id: int = 0
    run_id: int = 0
    key: str | None = None
    kill: str | None = None
    unknown_preview: bool = False


@dataclass(frozen=True)
class Run:
    """The expected state of a run."""

    user_id: int
    status: str = "pending"
    moves: tuple[tuple[str | None, str, str], ...] = ((None, "pending", "user"),)
    total_jobs: int = 0
    counts: tuple[int | None, ...] = (None,) * 4
    error_message: str | None = None
    dispatch_count: int = 0
    key: str | None = None

    @property
    def is_active(self) -> bool:
        """Return whether the run may still change."""
        return self.status in ACTIVE


@dataclass
class ModelState:
    """All runs by id, and the queued messages, oldest first."""

    runs: dict[int, Run] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)

    def current(self, user_id: int) -> int | None:
        """Return the active run of a user, or None."""
        return next((run_id for run_id, run in self.runs.items() if run.user_id == user_id and run.is_active), None)

    def apply(self, op: Operation, actual: Outcome) -> Outcome:
        """Apply the operation and return its expected outcome.

        Only the id of a new run comes from ``actual``.
        """
        return getattr(self, f"_{op.kind}", self._move)(op, actual)

    def _start(self, op: Operation, actual: Outcome) -> Outcome:
        for run_id, run in self.runs.items():
            if op.key is not None and (run.user_id, run.key) == (op.user_id, op.key):
                return ("key_reused",) if op.unknown_preview else ("replayed", run_id)
        if active := self.current(op.user_id):
            return ("refused", active)
        if op.unknown_preview:
            return ("not_found",)
        if actual[0] not in ("started", "killed") or actual[1] in self.runs:
            return ("started", "a new run")
        self.runs[actual[1]] = Run(op.user_id, key=op.key)
        if op.kill != "publish":
            self.queue.append(actual[1])
            if op.kill is None:
                self._mark_published(actual[1])
        return ("killed" if op.kill else "started", actual[1])

    def _start_and_abort(self, op: Operation, actual: Outcome) -> Outcome:
        outcome = self._start(replace(op, kill="publish"), actual)
        if outcome[0] == "killed":
            self.runs[outcome[1]] = move_run(self.runs[outcome[1]], "aborted", "user")
        return outcome

    def _publish(self, op: Operation, _actual: Outcome) -> Outcome:
        self.queue.append(op.run_id)
        self._mark_published(op.run_id)
        return ("ok",)

    def _mark_published(self, run_id: int) -> None:
        if self.runs[run_id].is_active:
            self.runs[run_id] = replace(self.runs[run_id], dispatch_count=self.runs[run_id].dispatch_count + 1)

    def _current(self, op: Operation, _actual: Outcome) -> Outcome:
        return ("current", self.current(op.user_id))

    def _get(self, op: Operation, _actual: Outcome) -> Outcome:
        run = self.runs.get(op.run_id)
        return ("shown", run.status) if run and run.user_id == op.user_id else ("not_found",)

    def _events(self, op: Operation, _actual: Outcome) -> Outcome:
        run = self.runs.get(op.run_id)
        return ("events", run.moves) if run and run.user_id == op.user_id else ("not_found",)

    def _runs(self, op: Operation, _actual: Outcome) -> Outcome:
        mine = [(run_id, run.status) for run_id, run in self.runs.items() if run.user_id == op.user_id]
        return ("runs", tuple(sorted(mine, reverse=True)))

    def _move(self, op: Operation, _actual: Outcome) -> Outcome:
        to, sources, actor = MOVES[op.kind]
        run = self.runs.get(op.run_id)
        if run is None or (op.kind == "abort" and run.user_id != op.user_id):
            return ("not_found",)
        if run.status in sources:
            self.runs[op.run_id] = move_run(run, to, actor)
        elif (run.status, to) != ("aborted", "aborted"):
            return ("moved", run.status)
        return ("ok",)


def move_run(run: Run, to: str, actor: str) -> Run:
    """Return the run after a legal move."""
    changes: dict[str, Any] = {"finished": {"counts": COUNTS}, "error": {"error_message": REASON}}.get(to, {})
    return replace(run, status=to, moves=(*run.moves, (run.status, to, actor)), **changes)


def possible_states(state: ModelState, ops: list[Operation], actual: list[Outcome]) -> Iterator[ModelState]:
    """Yield the states that may follow these simultaneous operations.

    Each order of the operations that gives the actual outcomes yields one state.
    """
    for order in permutations(range(len(ops))):
        after = deepcopy(state)
        if all(outcomes_agree(ops[n], after.apply(ops[n], actual[n]), actual[n]) for n in order):
            yield after


def outcomes_agree(op: Operation, expected: Outcome, actual: Outcome) -> bool:
    """Return whether the outcomes agree.

    A worker whose move lost a race reads the status afterwards, so it may report any later status. An abort reports a
    terminal status to a user, so that status must match.
    """
    if op.kind not in ("abort", "operator_abort") and expected[0] == actual[0] == "moved":
        return True
    return expected == actual


def count_messages(queue: list[int]) -> "Counter[int]":
    """Count the messages; their order does not matter."""
    return Counter(queue)
