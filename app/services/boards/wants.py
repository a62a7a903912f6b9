"""The wants of boards. They are derived: nothing is set and nothing is cleared.

A board is wanted while a unit of an unfinished preview, or of a run under way, waits for a listing that it does not
have, or while a second look at it is due.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, false, func, not_, or_, select

from app.db.clock import NOW
from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import Board, Company, UnitState
from app.services.boards.requesters import REQUESTERS, Requesters
from app.services.boards.switches import is_on_condition

BOARDS = table_of(Board)
COMPANIES = table_of(Company)


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
    """Build the SQL condition that the unit has no listing. As a literal, so that the partial indexes are used.

    The first state of a run's company has the same value as that of a preview's.
    """
    [waiting] = inline_literals([UnitState.WAITING])
    condition: ColumnElement[bool] = unit.state == waiting
    return condition


def is_waiting(unit: Any, board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that this unit waits for a listing that the board does not have."""
    return and_(is_in_state_waiting(unit), not_(is_answered(unit, board)))


def has_company(board: FromClause) -> ColumnElement[bool]:
    """Build the SQL condition that an enabled company points to the board."""
    return select(COMPANIES.c.company_id).where(COMPANIES.c.board_id == board.c.board_id, COMPANIES.c.enabled).exists()


def is_wanted(board: FromClause) -> ColumnElement[bool]:
    """Build the SQL condition that a board that is being read is still wanted."""
    units = [_has_unit(requesters, board) for requesters in REQUESTERS]
    return and_(is_on_condition(board.c.source), or_(*units, and_(board.c.is_second_look, has_company(board))))


def _has_unit(requesters: Requesters, board: FromClause) -> ColumnElement[bool]:
    """Build the SQL condition that a unit of these requesters waits for the board."""
    units = requesters.units.c
    unit = select(units.position).join(requesters.table, requesters.key == requesters.unit_key)
    return unit.where(units.board_id == board.c.board_id, is_waiting(units, board.c), requesters.is_under_way).exists()
