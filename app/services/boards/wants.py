"""The wants of boards. They are derived: nothing is set and nothing is cleared.

A board is wanted while a unit of an unfinished preview waits for a listing that it does not have, or while a second
look at it is due.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, false, func, not_, or_, select

from app.db.clock import NOW
from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import Board, Company, Preview, PreviewCompany, UnitState
from app.services.boards.switches import is_on_condition

BOARDS = table_of(Board)
COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)


def has_fresh_content(unit: Any, board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that the last listing that did not fail answers this unit: it began late enough."""
    return func.coalesce(board.content_began_at >= unit.fresh_after, false())


def has_just_failed(board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that the board's last listing failed so recently that it still answers every unit."""
    return func.coalesce(board.failed_until > NOW, false())


def is_answered(unit: Any, board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that a listing of the board answers this unit.

    ``unit`` and ``board`` are the columns of the two tables.
    """
    return or_(has_fresh_content(unit, board), has_just_failed(board))


def is_in_state_waiting(unit: Any) -> ColumnElement[bool]:
    """Build the SQL condition that the unit has no listing. As a literal, so that the partial indexes are used."""
    [waiting] = inline_literals([UnitState.WAITING])
    condition: ColumnElement[bool] = unit.state == waiting
    return condition


def is_waiting(unit: Any, board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that this unit waits for a listing that the board does not have."""
    return and_(is_in_state_waiting(unit), not_(is_answered(unit, board)))


def is_under_way(preview: Any) -> ColumnElement[bool]:
    """Build the SQL condition that a preview still takes listings."""
    return and_(preview.finished_at.is_(None), preview.deadline_at > NOW)


def has_company(board: FromClause) -> ColumnElement[bool]:
    """Build the SQL condition that an enabled company points to the board."""
    return select(COMPANIES.c.company_id).where(COMPANIES.c.board_id == board.c.board_id, COMPANIES.c.enabled).exists()


def is_wanted(board: FromClause) -> ColumnElement[bool]:
    """Build the SQL condition that a board that is being read is still wanted."""
    units, previews = UNITS.alias("waiting"), PREVIEWS.alias("asking")
    unit = (
        select(units.c.position)
        .join(previews, previews.c.preview_id == units.c.preview_id)
        .where(units.c.board_id == board.c.board_id, is_waiting(units.c, board.c), is_under_way(previews.c))
    )
    return and_(is_on_condition(board.c.source), or_(unit.exists(), and_(board.c.is_second_look, has_company(board))))
