"""The transitions of runs: the only writer of a status."""

import psycopg
import pytest

from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import RunStatus
from app.services.runs import queries, transitions
from app.services.runs.errors import RunMoved, RunNotFound
from tests.support.factories import make_run, make_user, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.starts import start_run
from tests.support.statements import watch_statements

MOVES = {
    RunStatus.INITIALIZING: transitions.claim,
    RunStatus.INGESTING: lambda run_id: transitions.advance(run_id, 12),
    RunStatus.FINISHED: transitions.finish,
    RunStatus.ERROR: lambda run_id: transitions.fail(run_id, "The board vanished."),
    RunStatus.ABORTED: transitions.abort,
}


@pytest.mark.parametrize("target", MOVES)
@pytest.mark.parametrize("source", list(RunStatus))
def test_move_succeeds_from_exactly_the_legal_statuses(app, source, target):
    run_id = make_run(source.value)
    before = row(run_id)
    if source in target.sources:
        MOVES[target](run_id)
        assert row(run_id).status == target
        assert (row(run_id).finished_at is not None) == (target in RunStatus.TERMINAL)
        assert len(timeline(run_id)) == 2
        return
    if (source, target) == (RunStatus.ABORTED, RunStatus.ABORTED):
        MOVES[target](run_id)
    else:
        with pytest.raises(RunMoved) as refusal:
            MOVES[target](run_id)
        assert refusal.value.run_status == source
        assert source.value in refusal.value.detail
    assert row(run_id) == before
    assert len(timeline(run_id)) == 1


LOST_ANSWERS = (
    psycopg.OperationalError("server closed the connection unexpectedly"),
    psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
)


@pytest.mark.parametrize("error", LOST_ANSWERS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("target", MOVES)
def test_move_whose_answer_is_lost_is_made_and_not_repeated(app, target, error):
    run_id = make_run(target.sources[0].value)
    sent = []

    def lose_answer(statement):
        if statement.startswith("UPDATE"):
            sent.append(statement)
            raise error

    with watch_statements(db.engine, after=lose_answer), pytest.raises(DatabaseUnavailable):
        MOVES[target](run_id)
    assert len(sent) == 1
    assert row(run_id).status == target


@pytest.mark.parametrize("move", MOVES.values())
def test_move_of_a_missing_run_raises_run_not_found(app, move):
    with pytest.raises(RunNotFound):
        move(404)


def test_claim_in_parallel_has_one_winner(app):
    for number in range(10):
        run_id = make_run("pending", make_user(f"{number}@example.org"))
        outcomes = in_parallel(app, *[lambda: transitions.claim(run_id)] * 6)
        assert outcomes.count(None) == 1
        assert [event.to_status for event in timeline(run_id)] == ["pending", "initializing"]


def test_abort_against_finish_has_one_winner_that_the_loser_names(app):
    for number in range(20):
        run_id = make_run("ingesting", make_user(f"{number}@example.org"))
        aborted, finished = in_parallel(app, lambda: transitions.abort(run_id), lambda: transitions.finish(run_id))
        if row(run_id).status == "aborted":
            assert (aborted, finished.run_status) == (None, "aborted")
        else:
            assert (aborted.run_status, finished) == ("finished", None)
        assert len(timeline(run_id)) == 2


def test_abort_in_parallel_always_succeeds_and_writes_one_event(app):
    run_id = make_run("ingesting")
    assert in_parallel(app, *[lambda: transitions.abort(run_id)] * 10) == [None] * 10
    assert len(timeline(run_id)) == 2


def test_abort_stops_every_later_write_of_the_worker(app):
    run_id = make_run("initializing")
    transitions.abort(run_id)
    ended = row(run_id)
    moves = [
        lambda: transitions.advance(run_id, 3),
        lambda: transitions.finish(run_id),
        lambda: transitions.fail(run_id, "late"),
    ]
    for move in moves:
        with pytest.raises(RunMoved):
            move()
    assert row(run_id) == ended


def test_finish_counts_the_jobs_of_the_run_by_status(app, user_id):
    run_id = make_run("ingesting")
    for number, status in enumerate(["ready"] * 4 + ["skipped"] * 3 + ["expired"] * 2 + ["error"] + ["pending"]):
        sql(
            "INSERT INTO jobs (run_id, user_id, company, external_id, url, status)"
            " VALUES (:run_id, :user_id, 'a', :external_id, 'u', :status)",
            run_id=run_id, user_id=user_id, external_id=str(number), status=status,
        )
    transitions.finish(run_id)
    found = row(run_id)
    assert (found.jobs_ready, found.jobs_skipped, found.jobs_expired, found.jobs_failed) == (4, 3, 2, 1)


def test_moves_write_the_times_and_events_of_a_run(user_id):
    run_id = start_run(user_id)
    transitions.claim(run_id)
    transitions.advance(run_id, 12)
    transitions.finish(run_id)
    found = row(run_id)
    assert found.created_at <= found.started_at <= found.finished_at
    assert found.total_jobs == 12
    events = queries.events(run_id, user_id)
    assert [(e.seq, e.from_status, e.to_status, e.actor) for e in events] == [
        (1, None, "pending", "user"),
        (2, "pending", "initializing", "worker"),
        (3, "initializing", "ingesting", "worker"),
        (4, "ingesting", "finished", "worker"),
    ]
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.seq for event in queries.events(run_id, user_id, after=2)] == [3, 4]
    assert queries.events(run_id, user_id, after=4) == []


def test_fail_records_reason_and_actor(app):
    run_id = make_run("ingesting")
    transitions.fail(run_id, "The worker died.", transitions.Actor.RESCUE)
    assert row(run_id).error_message == "The worker died."
    assert timeline(run_id)[-1].actor == "rescue"
