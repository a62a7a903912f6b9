"""The legal moves of a preview's company: the same table in Python, in the database, and in the statements."""

import itertools

import pytest
from sqlalchemy import literal, select
from sqlalchemy.exc import IntegrityError

from app.db.execute import run_statement
from app.models import Outcome, UnitState
from app.services.previews import moves
from tests.support.factories import sql
from tests.support.listings import list_board
from tests.support.previews import begin_preview, company, units

COLUMNS = {
    UnitState.WAITING: "listing_id = NULL, outcome = NULL, listed_at = NULL",
    UnitState.READ: "listing_id = 1, outcome = NULL, listed_at = NULL",
    UnitState.LISTED: "listing_id = 1, outcome = 'ok', listed_at = now()",
    UnitState.FAILED: "listing_id = NULL, outcome = 'gone', listed_at = now()",
}
"""The columns that the CHECKs demand in each state."""

LEGAL = {("waiting", "read"), ("waiting", "failed"), ("read", "listed"), ("read", "failed")}
PAIRS = list(itertools.permutations(UnitState, 2))


def company_in(user_id: int, state: UnitState) -> int:
    """Begin a preview of one company in this state, and return the preview's id."""
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    for step in {UnitState.WAITING: [], UnitState.READ: [state]}.get(state, [UnitState.READ, state]):
        sql(f"UPDATE preview_companies SET state = '{step}', {COLUMNS[step]}")
    return preview_id


def chosen():
    """Choose all companies of previews."""
    return select(moves.UNITS.c.preview_id, moves.UNITS.c.position).cte("chosen")


STATEMENTS = {
    UnitState.READ: lambda: moves.answer(chosen(), literal(1)),
    UnitState.LISTED: lambda: moves.store(chosen(), outcome=Outcome.OK, listed_at=moves.NOW),
    UnitState.FAILED: lambda: moves.fail(chosen(), outcome=Outcome.GONE),
}


def test_sources_are_the_legal_moves():
    assert {(source, to) for to in UnitState for source in to.sources} == LEGAL


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_trigger_allows_exactly_the_legal_moves(user_id, before, after):
    preview_id = company_in(user_id, before)
    statement = f"UPDATE preview_companies SET state = '{after}', {COLUMNS[after]}"
    if (before, after) in LEGAL:
        sql(statement)
    else:
        with pytest.raises(IntegrityError, match=f"cannot move from {before} to {after}"):
            sql(statement)
    assert [unit.state for unit in units(preview_id)] == [after if (before, after) in LEGAL else before]


@pytest.mark.parametrize(("before", "after"), [*itertools.product(UnitState, STATEMENTS)])
def test_statements_move_from_the_legal_states_alone(user_id, before, after):
    preview_id = company_in(user_id, before)
    run_statement(STATEMENTS[after]())
    assert [unit.state for unit in units(preview_id)] == [after if (before, after) in LEGAL else before]


def test_trigger_leaves_changes_within_a_state_alone(user_id):
    preview_id = company_in(user_id, UnitState.READ)
    sql("UPDATE preview_companies SET listing_id = :id", id=list_board("acme"))
    assert [unit.state for unit in units(preview_id)] == ["read"]
