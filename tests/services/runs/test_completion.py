"""Companies that are given up, at the deadline or because no attempt got past them."""

import pytest

from app.db.execute import run_statement
from app.services.runs import answers, completion, decisions, outbox, taking_in, work
from tests.support.board_rows import make_board, make_posting
from tests.support.factories import make_run, make_run_company, make_user, open_transaction, row, run_companies, sql
from tests.support.listings import list_board
from tests.support.stored_listings import close, store
from tests.support.taking_in import begin_run, end_run, job_events, jobs, make_unit, take_in, unit


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


def test_give_up_next_fails_the_first_unfinished_company(user_id):
    acme, beta = make_board(board="acme"), make_board(board="beta")
    store(acme, make_posting(1), make_posting(2))
    store(beta, make_posting(1))
    run_id = begin_run(user_id, acme, beta)
    sql("UPDATE ingestion_runs SET attempts = 6")
    assert completion.give_up_next(run_id) == 1
    given_up = unit(run_id)
    assert (given_up.state, given_up.outcome, row(run_id).total_jobs) == ("failed", "out_of_time", 1)
    assert given_up.detail == "This product failed to take in this company. The operator's log has the reason."
    assert (row(run_id).attempts, unit(run_id, 2).state) == (0, "read")


def test_give_up_next_notes_that_a_failed_company_expires_nothing(user_id):
    board = make_board()
    store(board, make_posting(1))
    take_in(user_id, board)
    close(board)
    run_id = begin_run(user_id, board)
    assert [completion.give_up_next(run_id) for _ in range(3)] == [1, 1, None]
    assert (unit(run_id).expired_jobs, jobs(user_id)["1"].status, row(run_id).total_jobs) == (0, "ready", 0)


@pytest.mark.parametrize("state", ["read", "failed"])
def test_give_up_next_counts_the_jobs_that_parts_have_expired(user_id, monkeypatch, state):
    monkeypatch.setattr(taking_in, "MAX_PART", 2)
    boards = [make_board(board=name) for name in ("acme", "beta")]
    for board in boards:
        store(board, *[make_posting(each) for each in range(5)])
    take_in(user_id, *boards)
    close(boards[0])
    run_id = begin_run(user_id, boards[0], state=state, **({"matched": None} if state == "failed" else {}))
    make_unit(run_id, boards[1], 2)
    decisions.decide(run_id)
    assert not taking_in.take_in(run_id, lambda: unit(run_id).parts == 1)
    late = {"run": run_id, "at_position": 1, "seen_parts": 0, "expired": 0}
    assert not run_statement(completion.GIVE_UP, **late)
    while unit(run_id).expired_jobs is None:
        assert completion.give_up_next(run_id) == 1
    work.carry(run_id)
    expired = [kind for _, kind in job_events(run_id)].count("expired")
    assert (unit(run_id).expired_jobs, row(run_id).status, row(run_id).jobs_expired) == (expired, "finished", 2)


def test_give_up_next_of_a_run_that_has_ended_does_nothing(user_id):
    board = make_board()
    store(board, make_posting(1))
    run_id = begin_run(user_id, board)
    end_run(run_id)
    assert completion.give_up_next(run_id) is None
    assert unit(run_id).state == "read"


def test_give_up_next_spares_what_is_decided_on_before_ingesting(app):
    list_board("acme", ["Engineer"])
    run_id = make_run("initializing", companies_total=2)
    make_run_company(run_id, "acme")
    make_run_company(run_id, "beta")
    answers.answer_run(run_id)
    decisions.decide(run_id)
    assert completion.give_up_next(run_id) is None
    make_run_company(run_id, "gamma", state="read", outcome="ok", listing_id=1)
    assert (completion.give_up_next(run_id), completion.give_up_next(run_id)) == (3, None)
    assert [each.state for each in run_companies(run_id)] == ["read", "waiting", "failed"]
    assert row(run_id).total_jobs == 1
