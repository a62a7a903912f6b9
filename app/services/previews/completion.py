"""The end of a preview: finished when no company is left, or closed at its deadline."""

from sqlalchemy import Update, select, update

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Outcome, Preview, PreviewCompany, UnitState
from app.services.previews import moves

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

OUT_OF_TIME = "The preview ended before this board was read."

IS_UNFINISHED = UNITS.c.state.in_(inline_literals(UnitState.UNFINISHED))


def finish_if_done(preview_id: int) -> bool:
    """Finish a preview that has no waiting or undecided company left. Commits. Returns whether this call did it."""
    return bool(run_statement(_finish().where(PREVIEWS.c.preview_id == preview_id)))


def close_overdue() -> int:
    """Fail the companies of previews past their deadline, and finish the previews that are done. Commits.

    Two statements. The second also finishes previews whose last company was answered but whose message was lost.
    Returns the number of previews finished.
    """
    run_statement(CLOSE_OVERDUE)
    return len(run_statement(_finish()))


def _close_overdue() -> Update:
    overdue = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.deadline_at <= moves.NOW, IS_UNFINISHED)
    )
    # A company that is being stored at this moment is skipped instead of waited for.
    chosen = moves.locking(overdue, skip_locked=True).cte("overdue")
    return moves.fail(chosen, outcome=Outcome.OUT_OF_TIME, detail=OUT_OF_TIME)


def _finish() -> Update:
    left = select(UNITS.c.position).where(UNITS.c.preview_id == PREVIEWS.c.preview_id, IS_UNFINISHED)
    done = update(PREVIEWS).where(PREVIEWS.c.finished_at.is_(None), ~left.exists())
    return done.values(finished_at=moves.NOW).returning(PREVIEWS.c.preview_id)


CLOSE_OVERDUE = _close_overdue()
