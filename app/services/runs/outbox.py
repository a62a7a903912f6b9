"""The outbox of runs: those whose message is due. A run's row is its own outbox entry.

A pending run waits for a worker. A run under way is published while something can be done for it: the worker that did
it may have died, or a message was lost. This module changes no status.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, bindparam, case, func, or_, select, update

from app.db.clock import NOW, seconds_from_now
from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Board, IngestionRun, RunCompany, RunStatus, SourceSwitch
from app.observability import metrics
from app.services import publisher
from app.services.boards.wants import is_answered, is_in_state_waiting
from app.services.runs.company_moves import IS_UNDECIDED
from app.services.runs.queries import IS_ACTIVE
from app.sources.adapters.registry import SOURCES

BOARDS = table_of(Board)
RUNS = table_of(IngestionRun)
SWITCHES = table_of(SourceSwitch)
UNITS = table_of(RunCompany)

MIN_BACKOFF_SECONDS = 15
"""Seconds from a pending run's first publish to the next one. Each further pause is twice as long."""

MAX_BACKOFF_SECONDS = 300

UNDER_WAY_SECONDS = 10
"""Seconds from the last publish of a run under way, or the last sign of its worker, to the next publish. It does not
grow, because a user waits for the run."""

BACKOFF = func.least(MIN_BACKOFF_SECONDS * func.power(2, func.least(RUNS.c.dispatch_count, 10)), MAX_BACKOFF_SECONDS)

IS_PENDING = RUNS.c.status.in_(inline_literals([RunStatus.PENDING]))

MARK_PUBLISHED = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run_id"), IS_ACTIVE)
    .values(
        dispatched_at=NOW,
        dispatch_count=RUNS.c.dispatch_count + 1,
        next_dispatch_at=seconds_from_now(case((IS_PENDING, BACKOFF), else_=UNDER_WAY_SECONDS)),
    )
)


def publish(run_id: int) -> bool:
    """Publish the run's message, as ``publisher.publish`` does. Commits."""
    return publisher.publish(MESSAGE, run_id)


def claim_due() -> list[int]:
    """Claim the runs whose message is due and return their ids, the most overdue first. Commits.

    These are the pending ones, and those under way for which something can be done. SKIP LOCKED and the new
    ``next_dispatch_at`` keep two reconcilers from claiming the same run.
    """
    due = (
        select(RUNS.c.id, RUNS.c.next_dispatch_at)
        .where(IS_ACTIVE, RUNS.c.next_dispatch_at <= select(NOW).scalar_subquery(), or_(IS_PENDING, HAS_WORK))
        .order_by(RUNS.c.next_dispatch_at)
        .limit(publisher.BATCH_SIZE)
        .with_for_update(key_share=True, skip_locked=True)
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
    """Record that the run's message was published, and when it is due again. Commits. An ended run stays as it is."""
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


def _has_work() -> ColumnElement[bool]:
    """Build the condition that a message would bring a run under way further.

    None of its companies waits; or one is to be decided on; or one waits though its board has a listing for it, or
    will get none. A company that is decided on has nothing to do while others wait.
    """
    units = select(UNITS.c.position).where(UNITS.c.run_id == RUNS.c.id)
    waiting = units.where(is_in_state_waiting(UNITS.c))
    need_not_wait = (
        waiting.join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .outerjoin(SWITCHES, SWITCHES.c.source == UNITS.c.source)
        .where(
            or_(
                is_answered(UNITS.c, BOARDS.c),
                SWITCHES.c.source.is_not(None),
                UNITS.c.source.not_in(inline_literals(SOURCES)),
            )
        )
    )
    return or_(~waiting.exists(), units.where(IS_UNDECIDED).exists(), need_not_wait.exists())


HAS_WORK = _has_work()

MESSAGE = publisher.MessageType(
    task="ingestion.run",
    subject="run",
    mark_published=mark_published,
    expires=MAX_BACKOFF_SECONDS + 30,
    publishes=metrics.PUBLISHES,
)
