"""The outbox: which pending runs still need their message published. The run row itself is the outbox entry.

Nothing here touches a status. All times are the database's, so the machines' clocks need not agree.
"""

from datetime import timedelta

from sqlalchemy import bindparam, func, select, update

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import IngestionRun, RunStatus

RUNS = table_of(IngestionRun)

TAKE_WINDOW = 5
"""Seconds for which taken runs are left alone by other reconcilers; whoever took them publishes within it, or they are
due again. Short, because it is also what a run waits after a failed publish."""

FIRST_BACK_OFF = 15
"""Seconds from the first publish to the next one, should the run still be pending; doubles each time."""

LONGEST_BACK_OFF = 300
"""Seconds at which the doubling ends."""

BATCH = 100
"""Runs taken at once; what is not published within TAKE_WINDOW is due again."""

BACK_OFF = func.least(FIRST_BACK_OFF * func.power(2, func.least(RUNS.c.dispatch_count, 10)), LONGEST_BACK_OFF)

STAMP = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run_id"))
    .values(
        dispatched_at=func.clock_timestamp(),
        dispatch_count=RUNS.c.dispatch_count + 1,
        next_dispatch_at=seconds_from_now(BACK_OFF),
    )
)


def take_due() -> list[int]:
    """Take the pending runs whose message is due, the most overdue first, and return their ids. Commits.

    SKIP LOCKED and the new ``next_dispatch_at`` keep two reconcilers from taking the same run.
    """
    due = (
        select(RUNS.c.id, RUNS.c.next_dispatch_at)
        .where(RUNS.c.status == RunStatus.PENDING, RUNS.c.next_dispatch_at <= func.clock_timestamp())
        .order_by(RUNS.c.next_dispatch_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(RUNS)
        .where(RUNS.c.id == due.c.id)
        .values(next_dispatch_at=seconds_from_now(TAKE_WINDOW))
        .returning(RUNS.c.id, due.c.next_dispatch_at)
    )
    return [row.id for row in sorted(run_statement(taken), key=lambda row: row.next_dispatch_at)]


def stamp(run_id: int) -> None:
    """Note that the run's message was published, and when it is due again should the run stay pending. Commits."""
    run_statement(STAMP, run_id=run_id)


def active_counts() -> dict[RunStatus, int]:
    """Return how many runs are in each active status. Changes nothing."""
    rows = run_statement(
        select(RUNS.c.status, func.count().label("n"))
        .where(RUNS.c.status.in_(RunStatus.ACTIVE))
        .group_by(RUNS.c.status)
    )
    return {RunStatus(word): 0 for word in RunStatus.ACTIVE} | {row.status: row.n for row in rows}


def oldest_undispatched() -> timedelta:
    """Return the age of the oldest pending run whose message was never published, or zero. Changes nothing."""
    age = func.max(func.clock_timestamp() - RUNS.c.created_at)
    rows = run_statement(select(age).where(RUNS.c.status == RunStatus.PENDING, RUNS.c.dispatched_at.is_(None)))
    return rows[0][0] or timedelta()
