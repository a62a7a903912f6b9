"""The end of a preview: when nothing of it is left to do, when its time is over, and when nobody needs it any more."""

from typing import Any

import structlog
from sqlalchemy import CTE, ColumnElement, Update, and_, case, delete, func, literal, or_, select, update

from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.extensions import table_of
from app.models import Company, IngestionRun, ListingState, Outcome, Preview, PreviewCompany, RunStatus
from app.services.previews.leases import MAX_ATTEMPTS

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
RUNS = table_of(IngestionRun)
UNITS = table_of(PreviewCompany)

OUT_OF_TIME = "There was no time left for this board; preview again to try it anew."

EXHAUSTED = (
    f"Reading this board was begun {MAX_ATTEMPTS} times and broke off here each time, or it could not be stored;"
    " the operator finds it in the log."
)

UNFINISHED = (ListingState.WAITING, ListingState.LISTING)


def finish_if_done(preview_id: int) -> bool:
    """Finish a preview of which nothing is waiting or being listed, and return whether this did it. Commits."""
    return bool(run_statement(_finish().where(PREVIEWS.c.preview_id == preview_id)))


def close_overdue() -> int:
    """Fail what was not listed in time or was taken too often, and finish the previews that are done. Commits.

    In two statements, of which the second also mends what a worker left that died before its last one. Returns how
    many previews were finished.
    """
    late = PREVIEWS.c.deadline_at <= func.clock_timestamp()
    worn = and_(UNITS.c.lease_until <= func.clock_timestamp(), UNITS.c.attempt >= MAX_ATTEMPTS)
    open_ones = (
        select(UNITS.c.preview_id, UNITS.c.position, worn.label("is_worn"))
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(PREVIEWS.c.finished_at.is_(None), UNITS.c.state.in_(UNFINISHED), or_(late, worn))
        # One that is being stored at this very moment is not waited for.
        .with_for_update(of=UNITS, skip_locked=True)
        .cte("open_ones")
    )
    failed = (
        update(UNITS)
        .where(UNITS.c.preview_id == open_ones.c.preview_id, UNITS.c.position == open_ones.c.position)
        .where(PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .values(
            state=ListingState.FAILED,
            lease_until=None,
            lease_id=None,
            outcome=case((open_ones.c.is_worn, literal(Outcome.UNREACHABLE.value)), else_=Outcome.OUT_OF_TIME.value),
            detail=case((open_ones.c.is_worn, EXHAUSTED), else_=OUT_OF_TIME),
            listed_at=func.now(),
        )
        .returning(*UNITS.c, PREVIEWS.c.user_id)
        .cte("failed")
    )
    # Of a board that nobody ever asked there is nothing new to be told.
    told = record_last_listing(failed).where(failed.c.attempt > 0)
    run_statement(select(func.count()).select_from(failed).add_cte(told.cte("told")))
    return len(run_statement(_finish()))


def prune(user_id: int) -> None:
    """Remove a user's finished previews but for the latest and those that an active run was started from. Commits.

    SKIP LOCKED passes over one from which a run is being started at this very moment. What cannot be removed now is
    removed the next time; raises nothing for that.
    """
    older = PREVIEWS.alias("older")
    newest = select(func.max(older.c.preview_id)).where(older.c.user_id == user_id, older.c.finished_at.is_not(None))
    run = select(RUNS.c.id).where(RUNS.c.preview_id == PREVIEWS.c.preview_id, RUNS.c.status.in_(RunStatus.ACTIVE))
    unneeded = (
        select(PREVIEWS.c.preview_id)
        .where(PREVIEWS.c.user_id == user_id, PREVIEWS.c.finished_at.is_not(None), ~run.exists())
        .where(PREVIEWS.c.preview_id < newest.scalar_subquery())
        .with_for_update(skip_locked=True)
    )
    try:
        run_statement(delete(PREVIEWS).where(PREVIEWS.c.preview_id.in_(unneeded)))
    except DatabaseUnavailable as error:
        log.warning("old previews not removed", user_id=user_id, reason=error.reason)


def record_last_listing(done: CTE, **more: Any) -> Update:
    """The UPDATE, for within a statement, that notes on the companies what became of their boards. Changes nothing.

    ``done`` holds the companies of previews that are listed or failed now, each with its ``user_id``. One that is gone
    meanwhile is passed over. Without ``more`` there is nothing to ask the source by whether anything is new.
    """
    same: ColumnElement[bool] = and_(
        COMPANIES.c.user_id == done.c.user_id,
        COMPANIES.c.source == done.c.source,
        COMPANIES.c.board == done.c.board,
    )
    values = {
        "listed_at": done.c.listed_at,
        "outcome": done.c.outcome,
        "outcome_detail": done.c.detail,
        "postings": done.c.found,
        "etag": None,
        "last_modified": None,
        "read_at": None,
        "schema_version": None,
    }
    return update(COMPANIES).where(same).values({**values, **more})


def _finish() -> Update:
    left = select(UNITS.c.position).where(UNITS.c.preview_id == PREVIEWS.c.preview_id, UNITS.c.state.in_(UNFINISHED))
    done = update(PREVIEWS).where(PREVIEWS.c.finished_at.is_(None), ~left.exists())
    return done.values(finished_at=func.clock_timestamp()).returning(PREVIEWS.c.preview_id)
