"""The heartbeat of a worker on a run, and the company that no attempt gets past."""

import pytest
from sqlalchemy.exc import IntegrityError

from app.services.runs import heartbeat, outbox, transitions, work
from app.services.runs.errors import RunMoved, RunNotFound
from tests.support.factories import make_run, make_run_company, row, run_companies, sql
from tests.support.listings import fail_board, list_board

READ = {"state": "read", "outcome": "ok", "listing_id": 1}


def carry(run_id: int, **options) -> None:
    """Carry a run on without readers; its messages are not published."""
    work.carry(run_id, lambda *_: None, lambda _: None, **options)


def fall_silent(run_id: int, seconds: int = heartbeat.SILENT_SECONDS) -> None:
    """Let the last heartbeat of the run's worker be some seconds ago."""
    sql(
        "UPDATE ingestion_runs SET worker_seen_at = clock_now() - make_interval(secs => :seconds) WHERE id = :id",
        seconds=seconds, id=run_id,
    )


def test_begin_counts_an_attempt_after_a_silence_alone(app):
    run_id = make_run("initializing")
    assert heartbeat.begin(run_id).attempts == 1
    assert heartbeat.begin(run_id).attempts == 1
    fall_silent(run_id, 2)
    assert heartbeat.begin(run_id).attempts == 1
    fall_silent(run_id)
    assert heartbeat.begin(run_id).attempts == 2


@pytest.mark.parametrize("status", ["pending", "finished", "aborted"])
def test_begin_and_settle_leave_a_run_that_is_not_under_way(app, status):
    run_id = make_run(status)
    before = row(run_id)
    assert heartbeat.begin(run_id) is None
    heartbeat.settle(run_id)
    heartbeat.reset(run_id)
    assert row(run_id) == before
    with pytest.raises(RunMoved):
        heartbeat.beat(run_id, 0)
    with pytest.raises(RunNotFound):
        heartbeat.beat(404, 0)


def test_beat_ends_the_count_of_attempts_only_after_progress(app):
    run_id = make_run("initializing", attempts=3)
    make_run_company(run_id, **READ)
    assert heartbeat.beat(run_id, 0) == 0
    assert row(run_id).attempts == 3
    assert heartbeat.beat(run_id, 0, more_attempts=1) == 0
    assert row(run_id).attempts == 4
    sql("UPDATE run_companies SET matched = 2")
    assert heartbeat.beat(run_id, 0, more_attempts=1) == 1
    assert row(run_id).attempts == 0
    sql("UPDATE ingestion_runs SET attempts = 2")
    sql("UPDATE run_companies SET parts = 4")
    assert heartbeat.beat(run_id, 1) == 5
    assert row(run_id).attempts == 0


def test_beat_puts_off_the_next_message(app):
    run_id = make_run("ingesting")
    sql("UPDATE ingestion_runs SET next_dispatch_at = clock_now() - interval '1 h'")
    heartbeat.beat(run_id, 0)
    assert outbox.claim_due() == []
    assert round((row(run_id).next_dispatch_at - row(run_id).worker_seen_at).total_seconds()) == 10


def test_slice_beats_when_a_heartbeat_is_due(app):
    run_id = make_run("ingesting")
    is_over = heartbeat.Slice(run_id, 0, lambda: False, 60)
    before = row(run_id)
    assert is_over() is False
    assert row(run_id) == before
    is_over.next_beat = 0
    assert is_over() is False
    assert row(run_id).worker_seen_at
    transitions.abort(run_id)
    assert is_over() is False
    is_over.next_beat = 0
    with pytest.raises(RunMoved):
        is_over()


def test_slice_without_progress_is_an_attempt(app):
    run_id = make_run("ingesting")
    heartbeat.Slice(run_id, 0, lambda: True, 60).end()
    assert row(run_id).attempts == 0
    heartbeat.Slice(run_id, 0, lambda: False, 0).end()
    assert row(run_id).attempts == 1


def test_company_that_no_attempt_gets_past_is_given_up(app):
    list_board("acme", ["Engineer"])
    list_board("beta", ["Cook"])
    run_id = make_run("initializing", companies_total=2, attempts=work.MAX_ATTEMPTS - 1)
    for board in ("acme", "beta"):
        make_run_company(run_id, board)
    # Nothing is left of the listing that was to be decided on, so a worker gets no further.
    sql("UPDATE run_companies SET state = 'read', outcome = 'ok', listing_id = 1, board_id = 404 WHERE board = 'acme'")
    carry(run_id)
    fall_silent(run_id)
    assert row(run_id).status == "initializing"
    sql("UPDATE ingestion_runs SET attempts = :most", most=work.MAX_ATTEMPTS)
    carry(run_id)
    found = row(run_id)
    acme, beta = run_companies(run_id)
    assert (found.status, found.attempts, found.total_jobs) == ("finished", 0, 1)
    assert (acme.state, acme.outcome, beta.state) == ("failed", "out_of_time", "taken_in")
    assert acme.detail.startswith("This product failed to take in this company.")


def test_run_that_no_attempt_can_end_is_in_error(app):
    list_board("acme", ["Engineer"])
    run_id = make_run("initializing", companies_total=1)
    make_run_company(run_id, "acme")
    sql("ALTER TABLE ingestion_runs ADD CONSTRAINT stuck CHECK (status <> 'finished')")
    try:
        for _ in range(work.MAX_ATTEMPTS + 1):
            with pytest.raises(IntegrityError):
                carry(run_id)
            fall_silent(run_id)
        carry(run_id)
    finally:
        sql("ALTER TABLE ingestion_runs DROP CONSTRAINT stuck")
    found = row(run_id)
    assert (found.status, found.error_message, found.total_jobs) == ("error", work.STUCK, 1)
    assert [each.state for each in run_companies(run_id)] == ["taken_in"]


def test_run_whose_companies_have_ended_finishes_despite_its_attempts(app):
    list_board("acme", ["Engineer"])
    run_id = make_run("initializing", companies_total=1)
    make_run_company(run_id, "acme")
    carry(run_id, stopping=lambda: run_companies(run_id)[0].state == "taken_in")
    assert (row(run_id).status, run_companies(run_id)[0].state) == ("ingesting", "taken_in")
    fall_silent(run_id)
    sql("UPDATE ingestion_runs SET attempts = :most", most=work.MAX_ATTEMPTS)
    carry(run_id)
    assert (row(run_id).status, row(run_id).jobs_ready) == ("finished", 1)


def test_run_that_waits_for_a_board_does_not_end_by_its_attempts(app):
    run_id = make_run("initializing", companies_total=1, attempts=work.MAX_ATTEMPTS)
    make_run_company(run_id, "acme")
    carry(run_id)
    assert (row(run_id).status, run_companies(run_id)[0].state) == ("initializing", "waiting")


def test_attempts_of_a_run_that_waits_for_boards_do_not_add_up(app):
    fail_board("acme")
    run_id = make_run("initializing", companies_total=2)
    sql("UPDATE ingestion_runs SET deadline_at = clock_now() + interval '1 h'")
    for board in ("acme", "beta"):
        make_run_company(run_id, board)
    for _ in range(work.MAX_ATTEMPTS + 2):
        fall_silent(run_id)
        carry(run_id)
    assert row(run_id).attempts == 0
    assert [company.state for company in run_companies(run_id)] == ["failed", "waiting"]
