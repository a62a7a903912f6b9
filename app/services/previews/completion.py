"""The end of a preview: finished when no company is left, or closed at its deadline."""

from sqlalchemy import Update, func, select, update

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Outcome, Preview, PreviewCompany, UnitState

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

OUT_OF_TIME = "The preview ended before this board was read."

UNFINISHED = (UnitState.WAITING, UnitState.READ)


def finish_if_done(preview_id: int) -> bool:
    """Finish a preview that has no waiting or claimed company left. Commits. Returns whether this call did it."""
    return bool(run_statement(_finish().where(PREVIEWS.c.preview_id == preview_id)))


def close_overdue() -> int:
    """Fail the companies past their deadline or their attempts, and finish the previews that are done. Commits.

    Neither is a fault of their boards, so the boards' last listings are left as they were.

    Two statements. The second also finishes previews whose worker died before it could. Returns the number of previews
    finished.
    """
    late = PREVIEWS.c.deadline_at <= func.clock_now()
    to_fail = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(PREVIEWS.c.finished_at.is_(None), UNITS.c.state.in_(UNFINISHED), late)
        .with_for_update(of=UNITS, skip_locked=True)
        .cte("to_fail")
    )
    run_statement(
        update(UNITS)
        .where(UNITS.c.preview_id == to_fail.c.preview_id, UNITS.c.position == to_fail.c.position)
        .values(state=UnitState.FAILED, outcome=Outcome.OUT_OF_TIME, detail=OUT_OF_TIME, listed_at=func.clock_now())
    )
    return len(run_statement(_finish()))


def _finish() -> Update:
    left = select(UNITS.c.position).where(UNITS.c.preview_id == PREVIEWS.c.preview_id, UNITS.c.state.in_(UNFINISHED))
    done = update(PREVIEWS).where(PREVIEWS.c.finished_at.is_(None), ~left.exists())
    return done.values(finished_at=func.clock_now()).returning(PREVIEWS.c.preview_id)
