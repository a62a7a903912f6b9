"""Move the companies of previews between states. This module alone writes their state, by guarded UPDATEs.

The UPDATE names the states from which its move is legal. A company that has moved meanwhile stays as it is. The
database enforces the same rules (migration ``preview_moves``).
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Update, and_, func, select, update

from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import PreviewCompany, UnitState

UNITS = table_of(PreviewCompany)

NOW = select(func.clock_now()).scalar_subquery()
"""The time, read once a statement."""


def locking(units: Select[Any], *, skip_locked: bool = False) -> Select[Any]:
    """Lock the companies that a statement chooses, in the one order in which all statements lock them."""
    ordered = units.order_by(UNITS.c.preview_id, UNITS.c.position)
    return ordered.with_for_update(of=UNITS, key_share=True, skip_locked=skip_locked)


def answer(chosen: FromClause, listing_id: ColumnElement[int], *conditions: ColumnElement[bool]) -> Update:
    """Build the move of the chosen companies to READ: this listing has answered them."""
    return _move(chosen, UnitState.READ, *conditions).values(listing_id=listing_id)


def store(chosen: FromClause, **result: Any) -> Update:
    """Build the move of the chosen companies to LISTED: their postings are stored, with this result."""
    return _move(chosen, UnitState.LISTED).values(result)


def fail(chosen: FromClause, *conditions: ColumnElement[bool], **reason: Any) -> Update:
    """Build the move of the chosen companies to FAILED: ``outcome``, ``detail`` and more give the reason."""
    return _move(chosen, UnitState.FAILED, *conditions).values({"listed_at": NOW, **reason})


def _move(chosen: FromClause, to: UnitState, *conditions: ColumnElement[bool]) -> Update:
    is_chosen = and_(UNITS.c.preview_id == chosen.c.preview_id, UNITS.c.position == chosen.c.position)
    is_legal = UNITS.c.state.in_(inline_literals(to.sources))
    return update(UNITS).where(is_chosen, is_legal, *conditions).values(state=to)
