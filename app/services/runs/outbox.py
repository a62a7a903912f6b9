"""The outbox of runs: the pending runs whose message is due. A run's row is its own outbox entry.

This module changes no status.
"""

from datetime import timedelta

from sqlalchemy import bindparam, func, select, update

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.extensions import table_of
from app.models import IngestionRun, RunStatus
from app.observability import metrics
from app.services import publisher

RUNS = table_of(IngestionRun)

MIN_BACKOFF_SECONDS = 15
"""Seconds from a pending run's first publish to the next one. Each further pause is twice as long."""

MAX_BACKOFF_SECONDS = 300

BACKOFF = func.least(MIN_BACKOFF_SECONDS * func.power(2, func.least(RUNS.c.dispatch_count, 10)), MAX_BACKOFF_SECONDS)

MARK_PUBLISHED = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run_id"))
    .values(
        dispatched_at=NOW,
        dispatch_count=RUNS.c.dispatch_count + 1,
        next_dispatch_at=seconds_from_now(BACKOFF),
    )
)


def publish(run_id: int) -> bool:
    """Publish the run's message, as ``publisher.publish`` does. Commits."""
    return publisher.publish(MESSAGE, run_id)


def claim_due() -> list[int]:
    """Claim the pending runs whose message is due and return their ids, the most overdue first. Commits.

    SKIP LOCKED and the new ``next_dispatch_at`` keep two reconcilers from claiming the same run.
    """
    due = (
        select(RUNS.c.id, RUNS.c.next_dispatch_at)
        .where(RUNS.c.status == RunStatus.PENDING, RUNS.c.next_dispatch_at <= select(NOW).scalar_subquery())
        .order_by(RUNS.c.next_dispatch_at)
        .limit(publisher.BATCH_SIZE)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(RUNS)
        .where(RUNS.c.id == due.c.id)
        .values(next_dispatch_at=seconds_from_now(publisher.CLAIM_SECONDS))
        .returning(RUNS.c.id, due.c.next_dispatch_at)
    )
    return [row.id for row in sorted(run_statement(claimed), key=lambda row: row.next_dispatch_at)]


def mark_published(run_id: int) -> None:
    """Record that the run's message was published, and when it is due again if the run stays pending. Commits."""
    run_statement(MARK_PUBLISHED, run_id=run_id)


def active_counts() -> dict[RunStatus, int]:
    """Return the number of runs in each active status."""
    rows = run_statement(
        select(RUNS.c.status, func.count().label("n"))
        .where(RUNS.c.status.in_(RunStatus.ACTIVE))
        .group_by(RUNS.c.status)
    )
    return {RunStatus(status): 0 for status in RunStatus.ACTIVE} | {row.status: row.n for row in rows}


def oldest_unpublished_age() -> timedelta:
    """Return the age of the oldest pending run whose message was never published, or zero."""
    age = func.max(NOW - RUNS.c.created_at)
    rows = run_statement(select(age).where(RUNS.c.status == RunStatus.PENDING, RUNS.c.dispatched_at.is_(None)))
    return rows[0][0] or timedelta()


MESSAGE = publisher.MessageType(
    task="ingestion.run",
    subject="run",
    mark_published=mark_published,
    expires=MAX_BACKOFF_SECONDS + 30,
    publishes=metrics.PUBLISHES,
)
