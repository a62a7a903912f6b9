"""The deadline of runs."""

from app.services.runs import completion, outbox, work
from tests.support.factories import make_run, make_run_company, make_user, open_transaction, row, run_companies, sql
from tests.support.listings import list_board


def make_waiting(status: str = "initializing", email: str = "a@example.org", seconds: int = -1) -> int:
    """Insert a run whose only company waits, and whose deadline is in some seconds."""
    run_id = make_run(status, make_user(email), companies_total=1)
    make_run_company(run_id)
    sql(
        "UPDATE ingestion_runs SET deadline_at = clock_now() + make_interval(secs => :seconds),"
        " next_dispatch_at = clock_now() + interval '1 h' WHERE id = :id",
        seconds=seconds, id=run_id,
    )
    return run_id


def test_give_up_overdue_fails_what_waits_and_makes_the_run_due(app):
    list_board("beta", ["Engineer"])
    run_id = make_waiting()
    make_run_company(run_id, "beta")
    work.carry(run_id, wake_readers=lambda *_: None)
    assert completion.give_up_overdue() == 1
    acme, beta = run_companies(run_id)
    assert (acme.state, acme.outcome, acme.detail) == (
        "failed", "out_of_time", "The run's deadline passed before this board was read."
    )
    assert beta.state == "read"
    assert outbox.claim_due() == [run_id]
    assert completion.give_up_overdue() == 0
    work.carry(run_id)
    found = row(run_id)
    assert (found.status, found.total_jobs, found.jobs_ready) == ("finished", 1, 1)


def test_give_up_overdue_leaves_runs_in_time_pending_or_ended(app):
    runs = [
        make_waiting("initializing", "a@example.org", seconds=60),
        make_waiting("pending", "b@example.org"),
        make_waiting("aborted", "c@example.org"),
    ]
    assert completion.give_up_overdue() == 0
    assert [run_companies(run_id)[0].state for run_id in runs] == ["waiting"] * 3
    assert outbox.claim_due() == []


def test_give_up_overdue_takes_a_run_that_ingests_since_the_upgrade(app):
    run_id = make_waiting("ingesting")
    assert completion.give_up_overdue() == 1
    work.carry(run_id)
    assert row(run_id).error_message == f"The board of Acme could not be read: {completion.OUT_OF_TIME}"


def test_give_up_overdue_skips_a_locked_run(app):
    locked, other = make_waiting(), make_waiting(email="b@example.org")
    with open_transaction(f"SELECT * FROM ingestion_runs WHERE id = {locked} FOR NO KEY UPDATE"):
        assert completion.give_up_overdue() == 1
        assert [run_companies(run_id)[0].state for run_id in (locked, other)] == ["waiting", "failed"]
    assert completion.give_up_overdue() == 1
