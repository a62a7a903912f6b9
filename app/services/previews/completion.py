"""The end of a preview: finished when no company is left, or closed at its deadline."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Update, and_, case, func, or_, select, update

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Company, ListingState, Outcome, Preview, PreviewCompany
from app.services.previews.leases import MAX_ATTEMPTS

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

OUT_OF_TIME = "The preview ended before this board was read."

EXHAUSTED = f"This product failed to read the board in {MAX_ATTEMPTS} attempts. Make a new preview later."

UNFINISHED = (ListingState.WAITING, ListingState.LISTING)


def finish_if_done(preview_id: int) -> bool:
    """Finish a preview that has no waiting or claimed company left. Commits. Returns whether this call did it."""
    return bool(run_statement(_finish().where(PREVIEWS.c.preview_id == preview_id)))


def close_overdue() -> int:
    """Fail the companies past their deadline or their attempts, and finish the previews that are done. Commits.

    Neither is a fault of their boards, so the boards' last listings are left as they were.

    Two statements. The second also finishes previews whose worker died before it could. Returns the number of previews
    finished.
    """
    late = PREVIEWS.c.deadline_at <= func.clock_timestamp()
    is_free = or_(UNITS.c.lease_until.is_(None), UNITS.c.lease_until <= func.clock_timestamp())
    exhausted = and_(is_free, UNITS.c.attempt >= MAX_ATTEMPTS)
    to_fail = (
        select(UNITS.c.preview_id, UNITS.c.position, exhausted.label("is_exhausted"))
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(PREVIEWS.c.finished_at.is_(None), UNITS.c.state.in_(UNFINISHED), or_(late, exhausted))
        # A company that is being stored at this moment is skipped instead of waited for.
        .with_for_update(of=UNITS, skip_locked=True)
        .cte("to_fail")
    )
    run_statement(
        update(UNITS)
        .where(UNITS.c.preview_id == to_fail.c.preview_id, UNITS.c.position == to_fail.c.position)
        .values(
            state=ListingState.FAILED,
            lease_until=None,
            lease_id=None,
            outcome=Outcome.OUT_OF_TIME,
            detail=case((to_fail.c.is_exhausted, EXHAUSTED), else_=OUT_OF_TIME),
            listed_at=func.now(),
        )
    )
    return len(run_statement(_finish()))


def record_last_listing(done: CTE, **more: Any) -> Update:
    """Build the UPDATE that records the outcome of listings on the companies. Commits with the statement around it.

    ``done`` holds the preview's companies that were just listed or failed, each with its ``user_id``. Companies that
    were removed since are skipped. Without ``more``, the validators (ETag, Last-Modified) are cleared.
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
