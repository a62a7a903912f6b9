"""The question of a run that would expire unusually many jobs."""

import pytest

from app.services.runs import closings
from app.services.runs.errors import ClosingsAnswered, ClosingsSuperseded, NoClosings, RunActive, RunNotFound
from tests.support.closings import (
    add_jobs,
    advance,
    close_postings,
    end,
    ended_run,
    job_states,
    jobs,
    questions,
    reopen_postings,
    run_of,
)
from tests.support.factories import make_run, make_user, row, sql
from tests.support.listings import fail_board, list_board
from tests.support.parallel import during_open_transaction, in_parallel
from tests.support.run_companies import add_company, run_companies


@pytest.fixture
def many(user_id) -> int:
    """A user with 200 open jobs at Acme, of which 60 have a closed posting."""
    add_jobs(user_id, "acme", 200)
    close_postings("acme", 60)
    return user_id


def test_advance_pins_every_company_to_its_boards_last_listing(user_id):
    run_id = make_run("initializing", user_id)
    list_board("acme", ["Engineer"])
    add_company(run_id, "acme")
    listings = [list_board("acme", ["Cook"]), fail_board("beta"), None]
    add_company(run_id, "beta", "failed")
    add_company(run_id, "gamma", "waiting")
    moved = advance(run_id)
    assert [each.pinned_listing_id for each in run_companies(run_id)] == listings
    assert (tuple(moved), row(run_id).status) == ((run_id, None, None), "ingesting")


def test_advance_that_moves_no_run_writes_nothing(many):
    run_id = make_run("ingesting", many)
    add_company(run_id, "acme")
    assert advance(run_id) is None
    assert (questions(), run_companies(run_id)[0].pinned_listing_id) == ([], None)


def test_advance_leaves_a_company_whose_closings_are_noted(many):
    run_id = make_run("initializing", many)
    add_company(run_id, "acme", "failed", expired_jobs=0)
    assert advance(run_id)
    assert run_companies(run_id)[0].pinned_listing_id is None


@pytest.mark.parametrize(
    ("closed", "open_jobs", "asks"),
    [(51, 200, True), (50, 200, False), (51, 260, False), (51, 254, True), (51, 255, False), (60, 60, True)],
)
def test_question_needs_more_than_50_jobs_and_20_percent(user_id, closed, open_jobs, asks):
    add_jobs(user_id, "acme", open_jobs)
    close_postings("acme", closed)
    run_id = run_of(user_id, "acme")
    assert questions() == ([(run_id, "asked", closed, open_jobs)] if asks else [])


def test_advance_returns_the_question(many):
    run_id = make_run("initializing", many)
    add_company(run_id, "acme")
    assert tuple(advance(run_id)) == (run_id, 60, 200)


def test_question_counts_open_jobs_of_all_boards_and_closings_of_the_runs(many):
    add_jobs(many, "beta", 70)
    close_postings("beta", 70)
    add_jobs(many, "acme", 30, status="expired")
    other = make_user("other@example.org")
    add_jobs(other, "acme", 30)
    sql("UPDATE postings SET closed_listing_id = 2, missing_listing_id = 1, missing_since = now(), closed_at = now(),"
        " closed_reason = 'unseen' WHERE posting_id IN (SELECT posting_id FROM jobs WHERE user_id = :user"
        " OR status = 'expired')", user=other)
    run_id = run_of(many, "acme")
    assert questions() == [(run_id, "asked", 60, 270)]


def test_question_counts_closings_of_failed_companies(many):
    run_id = make_run("initializing", many)
    add_company(run_id, "acme", "failed")
    advance(run_id)
    assert questions() == [(run_id, "asked", 60, 200)]


def test_question_counts_no_closing_by_a_later_listing_than_the_pin(many):
    sql("UPDATE boards SET listing_id = listing_id - 1")
    run_of(many, "acme")
    assert questions() == []


def test_answer_expires_the_jobs_with_reason_and_both_witnesses(many):
    last = sql("SELECT max(listing_id) AS id FROM listings")[0].id
    run_id = ended_run(many, "acme")
    answered = closings.answer(many, run_id, True)
    assert (answered.state, answered.expire, answered.expired) == ("answered", True, 60)
    assert (answered.count, answered.open) == (60, 200) and answered.answered_at
    assert job_states("acme") == {"ready": 140, "expired": 60}
    expired = [job for job in jobs("acme") if job.status == "expired"]
    time = answered.answered_at
    assert {(job.run_id, job.expired_at, job.updated_at) for job in expired} == {(run_id, time, time)}
    events = sql("SELECT * FROM job_events ORDER BY job_id")
    assert [(each.job_id, each.revision_id) for each in events] == [(job.id, job.revision_id) for job in expired]
    assert {
        (each.user_id, each.run_id, each.at, each.kind, each.reason, each.witness_listing_id, each.listing_id)
        for each in events
    } == {(many, run_id, time, "expired", "unseen", last - 1, last)}


def test_closing_after_the_advance_is_not_expired_by_the_answer(many):
    run_id = ended_run(many, "acme")
    close_postings("acme", 10)
    assert closings.answer(many, run_id, True).expired == 60
    assert job_states("acme") == {"ready": 140, "expired": 60}


def test_job_whose_posting_was_reopened_stays_open(many):
    run_id = ended_run(many, "acme")
    reopen_postings("acme", 7)
    assert closings.answer(many, run_id, True).expired == 53
    assert [job.status for job in jobs("acme")[:8]] == ["ready"] * 7 + ["expired"]


def test_answer_leaves_jobs_of_other_boards_and_users(many):
    add_jobs(many, "beta", 5)
    close_postings("beta", 5)
    other = make_user("other@example.org")
    sql("INSERT INTO jobs (user_id, company, external_id, url, status, board_id, posting_id, revision_id) SELECT"
        " :user, company, external_id, url, status, board_id, posting_id, revision_id FROM jobs", user=other)
    closings.answer(many, ended_run(many, "acme"), True)
    assert sql("SELECT count(*) FROM jobs WHERE status = 'expired' AND user_id = :user", user=other)[0].count == 0
    assert job_states("beta") == {"ready": 10}


def test_declined_closings_are_not_asked_about_again(many):
    run_id = ended_run(many, "acme")
    answered = closings.answer(many, run_id, False)
    assert (answered.state, answered.expire, answered.expired) == ("answered", False, 0)
    assert (job_states("acme"), sql("SELECT count(*) FROM job_events")[0].count) == ({"ready": 200}, 0)
    later = ended_run(many, "acme")
    assert [question[0] for question in questions()] == [run_id]
    reopen_postings("acme", 60)
    close_postings("acme", 55)
    again = ended_run(many, "acme")
    assert questions()[1:] == [(again, "asked", 55, 200)]
    assert later < again


def test_answer_expires_no_closing_that_was_declined_before(many):
    closings.answer(many, ended_run(many, "acme"), False)
    sql("UPDATE postings SET closed_at = NULL, closed_reason = NULL, closed_listing_id = NULL, missing_since = NULL,"
        " missing_listing_id = NULL WHERE posting_id > 60")
    close_postings("acme", 70)
    assert closings.answer(many, ended_run(many, "acme"), True).expired == 70


@pytest.mark.parametrize("asks_again", [True, False])
def test_question_is_superseded_by_a_later_runs_advance(many, asks_again):
    run_id = ended_run(many, "acme")
    if not asks_again:
        reopen_postings("acme", 30)
    later = ended_run(many, "acme")
    assert [question[:2] for question in questions()] == [(run_id, "superseded")] + [(later, "asked")] * asks_again
    with pytest.raises(ClosingsSuperseded):
        closings.answer(many, run_id, True)
    assert job_states("acme") == {"ready": 200}


def test_question_of_another_user_is_not_superseded(many):
    run_id = ended_run(many, "acme")
    other = make_user("other@example.org")
    run_of(other, "acme")
    assert questions() == [(run_id, "asked", 60, 200)]


def test_question_survives_a_later_run_that_never_advanced(many):
    run_id = ended_run(many, "acme")
    end(make_run("initializing", many))
    assert closings.answer(many, run_id, True).expired == 60


@pytest.mark.parametrize("expire", [(True, True), (True, False), (False, False)])
def test_two_answers_at_once_have_one_winner(app, many, expire):
    run_id = ended_run(many, "acme")
    answers = in_parallel(app, *[lambda each=each: closings.answer(many, run_id, each) for each in expire])
    [loser] = [answer for answer in answers if isinstance(answer, ClosingsAnswered)]
    [winner] = [answer for answer in answers if answer is not loser]
    assert winner.expired == job_states("acme").get("expired", 0) == (60 if winner.expire else 0)
    assert sql("SELECT count(*) FROM job_events")[0].count == winner.expired


def test_answer_counts_no_job_that_another_statement_expired_meanwhile(app, many):
    run_id = ended_run(many, "acme")
    other = "UPDATE jobs SET status = 'expired' WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT 10)"
    answered = during_open_transaction(app, other, lambda: closings.answer(many, run_id, True))
    assert (answered.expired, sql("SELECT count(*) FROM job_events")[0].count) == (50, 50)


def test_answer_to_a_missing_run_raises_run_not_found(many):
    run_id = ended_run(many, "acme")
    for user, run in ((many, 404), (make_user("other@example.org"), run_id)):
        with pytest.raises(RunNotFound, match=f"There is no run {run}."):
            closings.answer(user, run, True)


def test_answer_to_a_run_without_a_question_raises_no_closings(user_id):
    run_id = end(make_run("ingesting", user_id))
    make_run("pending", user_id)
    with pytest.raises(NoClosings):
        closings.answer(user_id, run_id, True)


def test_second_answer_raises_closings_answered(many):
    run_id = ended_run(many, "acme")
    closings.answer(many, run_id, False)
    make_run("pending", many)
    with pytest.raises(ClosingsAnswered):
        closings.answer(many, run_id, True)
    assert job_states("acme") == {"ready": 200}


def test_answer_during_a_run_raises_run_active(many):
    run_id = run_of(many, "acme")
    for _ in range(2):
        with pytest.raises(RunActive) as refusal:
            closings.answer(many, run_id, True)
        active = sql("SELECT max(id) AS id FROM ingestion_runs")[0].id
        assert refusal.value.run_id == active
        if active == run_id:
            end(run_id)
            make_run("pending", many)
    assert job_states("acme") == {"ready": 200}


def test_answer_to_an_active_run_without_a_question_raises_run_active(user_id):
    with pytest.raises(RunActive):
        closings.answer(user_id, make_run("initializing", user_id), True)


def test_company_without_a_pin_has_no_closing_that_an_answer_covers(many):
    run_id = ended_run(many, "acme")
    sql("ALTER TABLE run_companies DISABLE TRIGGER run_companies_guard")
    sql("UPDATE run_companies SET pinned_listing_id = NULL")
    sql("ALTER TABLE run_companies ENABLE TRIGGER run_companies_guard")
    assert closings.answer(many, run_id, True).expired == 0
