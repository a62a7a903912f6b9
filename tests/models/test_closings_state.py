"""The legal moves of a run's question, in Python and in the database, over all pairs."""

import itertools

import pytest
from sqlalchemy.exc import IntegrityError

from app.models import ClosingsState
from tests.support.factories import make_run, sql

PAIRS = list(itertools.product(ClosingsState, ClosingsState))

LEGAL = {("asked", "answered"), ("asked", "superseded")}

ANSWER = {"expire": True, "expired": 3, "answered_at": "2026-01-01T00:00:00Z"}
NO_ANSWER = dict.fromkeys(ANSWER)


def insert(state: ClosingsState) -> int:
    run_id = make_run("finished")
    sql(
        "INSERT INTO run_closings (run_id, user_id, state, count, open, expire, expired, answered_at)"
        " SELECT id, user_id, :state, 60, 200, :expire, :expired, :answered_at FROM ingestion_runs WHERE id = :run",
        run=run_id, state=state.value, **(ANSWER if state == ClosingsState.ANSWERED else NO_ANSWER),
    )
    return run_id


def move_by_hand(to: ClosingsState) -> None:
    sql(
        "UPDATE run_closings SET state = :state, expire = :expire, expired = :expired, answered_at = :answered_at",
        state=to.value, **(ANSWER if to == ClosingsState.ANSWERED else NO_ANSWER),
    )


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_sources_match_the_agreed_table(source, target):
    assert (source in target.sources) == ((source.value, target.value) in LEGAL)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_trigger_allows_exactly_the_legal_moves(app, source, target):
    insert(source)
    if source in target.sources:
        move_by_hand(target)
        assert sql("SELECT state FROM run_closings")[0].state == target.value
        return
    with pytest.raises(IntegrityError, match="cannot move"):
        move_by_hand(target)
    assert sql("SELECT state FROM run_closings")[0].state == source.value


@pytest.mark.parametrize("state", [ClosingsState.ASKED, ClosingsState.SUPERSEDED])
def test_answer_of_a_question_that_has_none_is_refused(app, state):
    insert(state)
    with pytest.raises(IntegrityError):
        sql("UPDATE run_closings SET expire = true, expired = 1, answered_at = clock_now()")
