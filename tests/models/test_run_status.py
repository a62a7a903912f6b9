"""The legal moves of a run, in Python and in the database, over all 36 pairs."""

import itertools

import pytest
from sqlalchemy.exc import IntegrityError

from app.models import RunStatus
from tests.support.factories import make_run, row, sql, timeline

PAIRS = list(itertools.product(RunStatus, RunStatus))

LEGAL = {
    ("pending", "initializing"),
    ("initializing", "ingesting"),
    ("ingesting", "finished"),
    ("pending", "error"),
    ("initializing", "error"),
    ("ingesting", "error"),
    ("pending", "aborted"),
    ("initializing", "aborted"),
    ("ingesting", "aborted"),
}


def move_by_hand(run_id: int, to: str) -> None:
    ended = RunStatus(to) in RunStatus.TERMINAL
    sql(
        f"UPDATE ingestion_runs SET status = :to, finished_at = {'now()' if ended else 'NULL'} WHERE id = :id",
        to=to,
        id=run_id,
    )


def test_status_values_are_the_lower_case_names():
    assert [status.value for status in RunStatus] == [status.name.lower() for status in RunStatus]


def test_every_status_is_either_active_or_terminal():
    assert sorted(RunStatus.ACTIVE + RunStatus.TERMINAL) == sorted(RunStatus)
    assert [status for status in RunStatus if status.is_active] == RunStatus.ACTIVE


def test_illegal_moves_are_21():
    assert len([pair for pair in PAIRS if pair[0] != pair[1] and (pair[0].value, pair[1].value) not in LEGAL]) == 21


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_sources_match_the_agreed_table(source, target):
    assert (source in target.sources) == ((source.value, target.value) in LEGAL)


@pytest.mark.parametrize(("source", "target"), [pair for pair in PAIRS if pair[0] != pair[1]])
def test_trigger_allows_exactly_the_legal_moves(app, source, target):
    run_id = make_run(source.value)
    before = row(run_id)
    if source in target.sources:
        move_by_hand(run_id, target.value)
        assert row(run_id).status == target.value
        assert [event.to_status for event in timeline(run_id)] == [source.value, target.value]
    else:
        with pytest.raises(IntegrityError, match=f"cannot move from {source.value} to {target.value}"):
            move_by_hand(run_id, target.value)
        assert row(run_id) == before
        assert len(timeline(run_id)) == 1


@pytest.mark.parametrize("status", list(RunStatus))
def test_update_without_a_change_of_status_is_no_move(app, status):
    run_id = make_run(status.value)
    sql("UPDATE ingestion_runs SET total_jobs = 7, status = status WHERE id = :id", id=run_id)
    assert row(run_id).total_jobs == 7
    assert len(timeline(run_id)) == 1
