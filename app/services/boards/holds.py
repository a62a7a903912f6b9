"""The operator's hold on a board: while it lasts, no listing makes a posting missing or closes it."""

from dataclasses import dataclass

import structlog
from sqlalchemy import bindparam, null, or_, select, true, update

from app.db.clock import NOW
from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Board
from app.services.boards.errors import BoardNotFound

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)

BOARD = select(BOARDS.c.board_id).where(BOARDS.c.board_id == bindparam("id"))

HOLD = (
    update(BOARDS)
    .where(BOARDS.c.board_id == bindparam("id"), ~BOARDS.c.is_on_hold)
    .values(is_on_hold=true())
    .returning(BOARDS.c.board_id)
)

# An UPDATE returns only new values (before PostgreSQL 18), so the old ones are read under the same lock.
_BEFORE = (
    select(BOARDS.c.board_id, BOARDS.c.is_on_hold, BOARDS.c.held_listing_id)
    .where(BOARDS.c.board_id == bindparam("id"))
    .where(or_(BOARDS.c.is_on_hold, BOARDS.c.held_listing_id.is_not(None), ~BOARDS.c.is_shrink_allowed))
    .with_for_update(key_share=True)
    .cte("before")
)
RELEASE = (
    update(BOARDS)
    .where(BOARDS.c.board_id == _BEFORE.c.board_id)
    # A hold asks for no second look. So one is due now.
    .values(is_on_hold=~true(), is_shrink_allowed=true(), held_listing_id=null(), look_again_at=NOW)
    .returning(_BEFORE.c.is_on_hold, _BEFORE.c.held_listing_id)
)


@dataclass(frozen=True)
class Release:
    """The change that a release made."""

    was_on_hold: bool
    held_listing_id: int | None
    """The listing that was held, if any."""


def hold(board_id: int) -> bool:
    """Put a board on hold. Commits. Return False if it was on hold already. Raises BoardNotFound."""
    if not run_statement(HOLD, id=board_id):
        _check_exists(board_id)
        return False
    log.info("board put on hold", board_id=board_id)
    return True


def release(board_id: int) -> Release | None:
    """End the hold of a board, and let its next complete listing pass, however small it is. Commits.

    Return None if it was released already. Raises BoardNotFound.
    """
    rows = run_statement(RELEASE, id=board_id)
    if not rows:
        _check_exists(board_id)
        return None
    log.info("board released", board_id=board_id, was_on_hold=rows[0].is_on_hold, held=rows[0].held_listing_id)
    return Release(rows[0].is_on_hold, rows[0].held_listing_id)


def _check_exists(board_id: int) -> None:
    if not run_statement(BOARD, id=board_id):
        raise BoardNotFound(f"There is no board {board_id}.")
