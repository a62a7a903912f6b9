"""Move the companies of runs between states. This module alone writes their state, by guarded UPDATEs.

Every statement first locks the run, then the company, both FOR NO KEY UPDATE. Nothing is written to a run that is not
being carried out: after an abort no row of its companies changes. The database enforces the same rules (migration
``run_companies``).
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, Update, and_, func, select, update

from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import IngestionRun, RunCompany, RunCompanyState
from app.services.boards.requesters import RUN_REQUESTERS

RUNS = table_of(IngestionRun)
UNITS = table_of(RunCompany)

NOW = select(func.clock_now()).scalar_subquery()
"""The time, read once a statement."""

IS_UNDER_WAY = RUN_REQUESTERS.is_unfinished
"""The condition that a run is being carried out: its companies may change."""

IS_READ = UNITS.c.state.in_(inline_literals([RunCompanyState.READ]))
IS_UNDECIDED = and_(IS_READ, UNITS.c.matched.is_(None))
"""The condition that a company is read and not decided on."""


def lock_runs(*conditions: ColumnElement[bool], skip_locked: bool = False) -> CTE:
    """Lock the runs under way that meet the conditions, by id, and return them.

    It has their ``id``, ``user_id`` and ``status``. A statement that waited for a lock gets no run that has ended
    meanwhile. FOR SHARE would let overlapping workers keep an abort out for ever.
    """
    runs = select(RUNS.c.id, RUNS.c.user_id, RUNS.c.status).where(IS_UNDER_WAY, *conditions).order_by(RUNS.c.id)
    return runs.with_for_update(key_share=True, skip_locked=skip_locked).cte("run")


def locking(companies: Select[Any]) -> Select[Any]:
    """Lock the companies that a statement chooses, in the one order. It must join the runs of ``lock_runs``."""
    return companies.order_by(UNITS.c.run_id, UNITS.c.position).with_for_update(of=UNITS, key_share=True)


def answer(chosen: FromClause, *conditions: ColumnElement[bool], **listing: Any) -> Update:
    """Build the move of the chosen companies to READ: this listing has answered them."""
    return _move(chosen, RunCompanyState.READ, *conditions).values(listing)


def take_in(chosen: FromClause, *conditions: ColumnElement[bool], **counts: Any) -> Update:
    """Build the move of the chosen companies to TAKEN_IN, with these counts."""
    return _move(chosen, RunCompanyState.TAKEN_IN, *conditions).values(counts)


def fail(chosen: FromClause, *conditions: ColumnElement[bool], **reason: Any) -> Update:
    """Build the move of the chosen companies to FAILED: ``outcome``, ``detail`` and more give the reason."""
    return _move(chosen, RunCompanyState.FAILED, *conditions).values(reason)


def change(chosen: FromClause, *conditions: ColumnElement[bool], **values: Any) -> Update:
    """Build the UPDATE of other columns of the chosen companies. Commits with the statement around it."""
    is_chosen = and_(UNITS.c.run_id == chosen.c.run_id, UNITS.c.position == chosen.c.position)
    return update(UNITS).where(is_chosen, *conditions).values(changed_at=NOW, **values)


def _move(chosen: FromClause, to: RunCompanyState, *conditions: ColumnElement[bool]) -> Update:
    return change(chosen, UNITS.c.state.in_(inline_literals(to.sources)), *conditions).values(state=to)
