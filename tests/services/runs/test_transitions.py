"""The transitions of runs: the only writer of a status."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app.errors import DatabaseUnavailable
from app.extensions import db
from app.models import RunStatus
from app.services.runs import queries, transitions
from app.services.runs.errors import RunMoved, RunNotFound
from tests.support.factories import make_run, make_run_company, make_user, open_transaction, row, sql, timeline
from tests.support.parallel import in_parallel
from tests.support.starts import start_run
from tests.support.statements import watch_statements
from tests.support.waiting import wait_until

WAITING_UPDATE = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE ingestion_runs%'"
)
MOVES = {
    RunStatus.INITIALIZING: transitions.claim,
    RunStatus.INGESTING: transitions.advance,
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
    run_id = make_run(target.sources[0].value, companies_total=0)
    sent = []

    def lose_answer(statement):
        if "UPDATE ingestion_runs" in statement:
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
            assert (aborted.run_status, finished) == ("finished", True)
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
        lambda: transitions.advance(run_id),
        lambda: transitions.finish(run_id),
        lambda: transitions.fail(run_id, "late"),
    ]
    for move in moves:
        with pytest.raises(RunMoved):
            move()
    assert row(run_id) == ended


@pytest.mark.parametrize("target", RunStatus.TERMINAL)
def test_end_that_waits_for_a_worker_is_later_than_its_last_write(app, target):
    run_id = make_run("ingesting")
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(f"SELECT FROM ingestion_runs WHERE id = {run_id} FOR NO KEY UPDATE"):
            ended = pool.submit(in_parallel, app, lambda: MOVES[RunStatus(target)](run_id))
            wait_until(lambda: sql(WAITING_UPDATE), 30, "a move that waits for the worker")
            [(last_write,)] = sql("SELECT clock_now()")
        assert ended.result() in ([None], [True])
    assert row(run_id).finished_at > last_write


READ = {"state": "read", "outcome": "ok", "listing_id": 1}
TAKEN_IN = {**READ, "state": "taken_in", "matched": 9, "new_jobs": 4, "changed_jobs": 2, "reopened_jobs": 1,
            "unchanged_jobs": 2, "expired_jobs": 3, "unparsed": 5}
FAILED = {"state": "failed", "outcome": "not_found"}


def test_claim_sets_the_deadline_by_the_number_of_companies(app):
    for number, (companies, seconds) in enumerate(((None, 900), (0, 900), (7, 914))):
        run_id = make_run("pending", make_user(f"{number}@example.org"), companies_total=companies)
        transitions.claim(run_id)
        found = row(run_id)
        assert round((found.deadline_at - found.started_at).total_seconds()) == seconds
        assert round((found.next_dispatch_at - found.started_at).total_seconds()) == 10
        assert found.attempts == 1


@pytest.mark.parametrize(
    "company, advances",
    [({}, False), (READ, False), ({**READ, "matched": 0}, True), (FAILED, True)],
    ids=["waiting", "undecided", "decided", "failed"],
)
def test_advance_leaves_a_run_of_which_a_company_is_undecided(app, company, advances):
    run_id = make_run("initializing")
    make_run_company(run_id, "decided", **READ, matched=3)
    make_run_company(run_id, **company)
    assert transitions.advance(run_id) is advances
    assert row(run_id).status == ("ingesting" if advances else "initializing")


@pytest.mark.parametrize(
    "company, finishes",
    [({}, False), ({**READ, "matched": 0}, False), (FAILED, False), ({**FAILED, "expired_jobs": 0}, True)],
    ids=["waiting", "read", "closings not noted", "failed"],
)
def test_finish_leaves_a_run_of_which_a_company_is_unfinished(app, company, finishes):
    run_id = make_run("ingesting", total_jobs=9)
    make_run_company(run_id, "ended", **TAKEN_IN)
    make_run_company(run_id, **company)
    assert transitions.finish(run_id) is finishes
    assert row(run_id).status == ("finished" if finishes else "ingesting")


def test_finish_sums_the_companies_of_the_run_alone(app):
    run_id = make_run("ingesting", total_jobs=18, companies_total=3)
    for board in ("acme", "beta"):
        make_run_company(run_id, board, **TAKEN_IN)
    # This one was given up after a part. What is left of its board counts as nothing but its closings.
    make_run_company(run_id, "gamma", **FAILED, matched=9, new_jobs=4, unparsed=1, expired_jobs=1)
    make_run_company(make_run("ingesting", make_user("other@example.org")), **TAKEN_IN)
    assert transitions.finish(run_id)
    found = row(run_id)
    assert (found.jobs_ready, found.jobs_skipped, found.jobs_expired, found.jobs_failed) == (14, 4, 7, 10)


def test_finish_of_a_run_without_companies_writes_zeros(app):
    run_id = make_run("ingesting")
    transitions.finish(run_id)
    found = row(run_id)
    assert (found.jobs_ready, found.jobs_skipped, found.jobs_expired, found.jobs_failed) == (0, 0, 0, 0)


def test_moves_write_the_times_and_events_of_a_run(user_id):
    run_id = start_run(user_id)
    transitions.claim(run_id)
    transitions.advance(run_id)
    transitions.finish(run_id)
    found = row(run_id)
    assert found.created_at <= found.started_at <= found.finished_at
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
