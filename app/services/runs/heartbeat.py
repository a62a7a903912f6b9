"""The heartbeat of a worker that carries a run out, and the attempts that brought the run no further.

A worker that is at work keeps the reconciler from publishing the run. If it dies, the run is due a few seconds later.
"""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Integer, Row, bindparam, case, func, select, update

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.services.runs import queries
from app.services.runs.company_moves import IS_UNDECIDED, IS_UNDER_WAY, RUNS, UNITS
from app.services.runs.errors import RunMoved
from app.services.runs.outbox import UNDER_WAY_SECONDS

HEARTBEAT_SECONDS = 3
"""Seconds between two heartbeats, at least."""

SILENT_SECONDS = 8
"""A message that comes so long after the last heartbeat shows that its worker stopped. A copy that comes sooner is no
attempt: many copies may have waited in the queue. Less than the reconciler's pause for a run under way."""

DONE = (
    select(
        func.count(UNITS.c.matched)
        + func.coalesce(func.sum(UNITS.c.parts, type_=Integer), 0)
        + func.count(UNITS.c.expired_jobs)
    )
    .where(UNITS.c.run_id == RUNS.c.id)
    .scalar_subquery()
)
"""The steps of a run that are done: decisions, parts taken in, companies ended. It only grows."""

THIS_RUN_UNDER_WAY = RUNS.c.id == bindparam("run_id"), IS_UNDER_WAY
SEEN = {"worker_seen_at": NOW, "next_dispatch_at": seconds_from_now(UNDER_WAY_SECONDS)}
IS_SILENT = func.coalesce(RUNS.c.worker_seen_at <= seconds_from_now(-SILENT_SECONDS), True)

BEGIN = (
    update(RUNS)
    .where(*THIS_RUN_UNDER_WAY)
    .values(attempts=RUNS.c.attempts + case((IS_SILENT, 1), else_=0), **SEEN)
    .returning(RUNS.c.status, RUNS.c.attempts, DONE.label("done"))
)
BEAT = (
    update(RUNS)
    .where(*THIS_RUN_UNDER_WAY)
    .values(
        attempts=case(
            (DONE > bindparam("known", type_=Integer), 0),
            else_=RUNS.c.attempts + bindparam("more_attempts", type_=Integer),
        ),
        **SEEN,
    )
    .returning(DONE.label("done"))
)
RESET = update(RUNS).where(*THIS_RUN_UNDER_WAY).values(attempts=0, **SEEN)
SETTLE = RESET.where(~select(UNITS.c.position).where(UNITS.c.run_id == RUNS.c.id, IS_UNDECIDED).exists())


def begin(run_id: int) -> Row[Any] | None:
    """Note that a worker received the message of a run under way. Commits.

    Return the run's ``status``, its ``attempts`` and the steps ``done``; None if it is not under way.
    """
    rows = run_statement(BEGIN, run_id=run_id)
    return rows[0] if rows else None


def beat(run_id: int, done: int, more_attempts: int = 0) -> int:
    """Note that the run's worker is at work; return the steps done. Commits.

    More steps than ``done`` end the count of attempts; without them, ``more_attempts`` are added. Raises RunMoved if
    the run has ended, RunNotFound.
    """
    rows = run_statement(BEAT, run_id=run_id, known=done, more_attempts=more_attempts)
    if not rows:
        raise RunMoved(run_id, queries.get(run_id).status, "carried on")
    found: int = rows[0].done
    return found


def reset(run_id: int) -> None:
    """Count the attempts anew. Commits."""
    run_statement(RESET, run_id=run_id)


def settle(run_id: int) -> None:
    """Count the attempts anew if only boards are waited for: no attempt has failed. Commits."""
    run_statement(SETTLE, run_id=run_id)


class Slice:
    """The time that one message of a run gets. Called after each commit, it tells whether the work is to stop."""

    def __init__(self, run_id: int, done: int, stopping: Callable[[], bool], seconds: float) -> None:
        self.run_id = run_id
        self.done = done
        self.stopping = stopping
        self.until = time.monotonic() + seconds
        self.next_beat = time.monotonic() + HEARTBEAT_SECONDS

    def __call__(self) -> bool:
        """Return whether the slice is over or the worker stops; write a heartbeat if one is due. Commits.

        Raises RunMoved if the run has ended, RunNotFound.
        """
        if time.monotonic() >= self.next_beat:
            self.done = beat(self.run_id, self.done)
            self.next_beat = time.monotonic() + HEARTBEAT_SECONDS
        return self.stopping() or time.monotonic() >= self.until

    def end(self) -> None:
        """Note the end of a slice that left something to do. Commits.

        Without progress since the last heartbeat it counts as an attempt, except that a worker may stop at any time.
        Raises RunMoved if the run has ended, RunNotFound.
        """
        beat(self.run_id, self.done, more_attempts=0 if self.stopping() else 1)
