"""Companies of runs that wait are answered by the listings of their boards, whoever asked for those."""

import pytest

from app.services.runs import answers, transitions
from tests.support.factories import make_run, make_run_company, make_user, open_transaction, run_companies, sql
from tests.support.listings import board_id, fail_board, list_board
from tests.support.parallel import during_open_transaction, in_parallel
from tests.support.wants import make_waiting_run, set_board

MINUTE = 60
FRESH = 600
"""Seconds for which listings with content answer."""


def waiting_run(*boards: str, email: str = "a@example.org", **options) -> int:
    return make_waiting_run(*[board_id(board) for board in boards], email=email, **options)


def states(run_id: int) -> list[str]:
    return [unit.state for unit in run_companies(run_id)]


def both(run_id: int, listing_id: int):
    """Return the two ways to answer the companies of a run."""
    return {"run": lambda: answers.answer_run(run_id), "listing": lambda: answers.answer_listing(listing_id)}


@pytest.mark.parametrize("way", ["run", "listing"])
@pytest.mark.parametrize(("age", "state"), [(0, "read"), (FRESH - 20, "read"), (FRESH + 20, "waiting")])
def test_listing_answers_if_it_began_late_enough(app, way, age, state):
    run_id = waiting_run("acme")
    listing_id = list_board("acme", ["Engineer"], age=age)
    both(run_id, listing_id)[way]()
    assert [(unit.state, unit.listing_id) for unit in run_companies(run_id)] == [
        (state, listing_id if state == "read" else None)
    ]


@pytest.mark.parametrize("way", ["run", "listing"])
def test_answer_has_the_class_and_the_sentence_of_the_listing(app, way):
    run_id = waiting_run("acme")
    listing_id = list_board("acme", ["Engineer"], "partial", "partial", sentence="Read in part.", unparsed=3)
    both(run_id, listing_id)[way]()
    [unit] = run_companies(run_id)
    assert (unit.state, unit.listing_id, unit.listing_state) == ("read", listing_id, "partial")
    assert (unit.outcome, unit.detail, unit.unparsed, unit.retry_at) == ("partial", "Read in part.", 3, None)
    assert unit.read_at == sql("SELECT ended_at FROM listings")[0].ended_at
    assert (unit.found, unit.matched) == (None, None)
    assert unit.changed_at > unit.read_at


@pytest.mark.parametrize("way", ["run", "listing"])
@pytest.mark.parametrize(
    ("age", "answers_for", "state"),
    [(0, 30, "failed"), (0, -1, "waiting"), (FRESH + 20, 30, "failed"), (FRESH + 20, -1, "waiting")],
)
def test_failed_listing_answers_for_its_time_whenever_it_began(app, way, age, answers_for, state):
    run_id = waiting_run("acme")
    listing_id = fail_board("acme", "throttled", "Too much.", age=age, answers_for=answers_for, retry_at="2027-01-01")
    both(run_id, listing_id)[way]()
    [unit] = run_companies(run_id)
    assert unit.state == state
    if state == "failed":
        assert (unit.listing_id, unit.listing_state) == (listing_id, "failed")
        assert (unit.outcome, unit.detail, unit.retry_at.year) == ("throttled", "Too much.", 2027)
        assert unit.read_at == sql("SELECT ended_at FROM listings")[0].ended_at
        assert (unit.unparsed, unit.expired_jobs) == (None, None)


def test_failing_listing_answers_later_runs_for_a_minute(app, shift_clock):
    fail_board("acme")
    shift_clock(MINUTE / 2)
    first = waiting_run("acme")
    assert (answers.answer_run(first), states(first)) == (1, ["failed"])
    shift_clock(MINUTE + 1)
    second = waiting_run("acme", email="b@example.org")
    assert (answers.answer_run(second), states(second)) == (0, ["waiting"])


def test_content_is_preferred_to_a_later_failure(app):
    content = list_board("acme", ["Engineer"], age=MINUTE)
    failure = fail_board("acme")
    older = waiting_run("acme")
    newer = waiting_run("acme", email="b@example.org", fresh="10 s")
    assert answers.answer_listing(failure) == [older, newer]
    assert [(unit.state, unit.listing_id) for unit in run_companies(older)] == [("read", content)]
    assert [(unit.state, unit.listing_id) for unit in run_companies(newer)] == [("failed", failure)]


@pytest.mark.parametrize("status", ["initializing", "ingesting"])
def test_run_under_way_is_answered(app, status):
    run_id = waiting_run("acme", status=status)
    assert answers.answer_listing(list_board("acme")) == [run_id]
    assert states(run_id) == ["read"]


@pytest.mark.parametrize("status", ["pending", "finished", "error", "aborted"])
def test_run_that_is_not_under_way_is_left_alone(app, status):
    listing_id = list_board("acme")
    run_id = make_run(status, jobs_ready=0, jobs_skipped=0)
    make_run_company(run_id)
    assert (answers.answer_listing(listing_id), answers.answer_run(run_id)) == ([], 0)
    assert states(run_id) == ["waiting"]


@pytest.mark.parametrize("way", ["run", "listing"])
def test_abort_that_commits_while_the_answer_waits_wins(app, way):
    run_id, listing_id = waiting_run("acme"), list_board("acme")
    abort = f"UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now() WHERE id = {run_id}"
    assert during_open_transaction(app, abort, both(run_id, listing_id)[way]) in (0, [])
    assert states(run_id) == ["waiting"]


def test_listing_answers_the_companies_of_its_board_alone(app):
    run_id = waiting_run("acme", "beta")
    make_run_company(run_id, source="lever", name="Acme at Lever")
    list_board("beta")
    assert answers.answer_listing(list_board("acme")) == []
    assert states(run_id) == ["read", "waiting", "waiting"]


def test_listing_returns_the_runs_without_a_waiting_company(app):
    whole = waiting_run("acme")
    part = waiting_run("acme", "beta", email="b@example.org")
    failure = fail_board("acme")
    assert answers.answer_listing(failure) == [whole]
    assert answers.answer_listing(failure) == []
    assert states(part) == ["failed", "waiting"]
    assert answers.answer_listing(list_board("beta")) == [part]


def test_last_two_answers_at_once_name_the_run_at_least_once(app):
    listings = [list_board(board) for board in ("acme", "beta")]
    for number in range(10):
        run_id = waiting_run("acme", "beta", email=f"{number}@example.org")
        named = in_parallel(app, *[lambda each=each: answers.answer_listing(each) for each in listings])
        assert [run_id] in named
        assert states(run_id) == ["read", "read"]


def test_answers_of_many_runs_at_once_do_not_deadlock(app):
    boards = [f"b{number}" for number in range(6)]
    listings = [list_board(board) for board in boards]
    for _ in range(5):
        runs = [waiting_run(*boards, email=f"{number}@example.org") for number in range(6)]
        calls = [lambda each=each: answers.answer_run(each) for each in runs]
        in_parallel(app, *calls, *[lambda each=each: answers.answer_listing(each) for each in listings])
        assert all(states(each) == ["read"] * 6 for each in runs)
        sql("DELETE FROM ingestion_runs")


def test_source_that_is_switched_off_fails_what_no_listing_answers(app):
    run_id = waiting_run("acme", "beta")
    make_run_company(run_id, "gamma", source="lever")
    sql("INSERT INTO source_switches (source) VALUES ('greenhouse')")
    list_board("acme")
    assert answers.answer_run(run_id) == 2
    assert states(run_id) == ["read", "failed", "waiting"]
    beta = run_companies(run_id)[1]
    assert (beta.outcome, beta.listing_id, beta.listing_state, beta.retry_at) == ("forbidden", None, None, None)
    assert beta.detail == "The operator has switched off reading Greenhouse on this server."
    assert beta.read_at is not None


def test_source_that_this_version_lacks_fails_what_no_listing_answers(app):
    run_id = waiting_run("acme")
    make_run_company(run_id, "beta", source="forgotten")
    answers.answer_run(run_id)
    assert states(run_id) == ["waiting", "failed"]
    beta = run_companies(run_id)[1]
    assert (beta.outcome, beta.listing_state, beta.detail) == (
        "out_of_time", None, "This version does not support the source “forgotten”, so it cannot read its boards."
    )


def test_board_that_is_being_stored_keeps_no_answer_waiting(app):
    run_id = waiting_run("acme")
    list_board("acme")
    with open_transaction("UPDATE boards SET attempt = 1"):
        answers.answer_run(run_id)
    assert states(run_id) == ["read"]


def test_waiting_counts_the_companies_and_the_boards_that_are_read(app):
    run_id = waiting_run("acme", "beta", "gamma")
    waiting_run("acme", email="b@example.org")
    set_board(board_id("acme"), "lease_id = gen_random_uuid(), lease_until = clock_now() + interval '9 s'")
    set_board(board_id("beta"), "lease_id = gen_random_uuid(), lease_until = clock_now()")
    assert tuple(answers.waiting(run_id)) == (3, 1)
    list_board("acme")
    answers.answer_run(run_id)
    assert tuple(answers.waiting(run_id)) == (2, 0)
    sql("UPDATE ingestion_runs SET deadline_at = clock_now()")
    assert tuple(answers.waiting(run_id)) == (0, 0)


def test_run_that_is_aborted_waits_for_no_board(app):
    run_id = waiting_run("acme")
    transitions.abort(run_id)
    assert tuple(answers.waiting(run_id)) == (0, 0)


def test_user_who_is_removed_during_an_answer_is_no_fault(app):
    user_id, listing_id = make_user("a@example.org"), list_board("acme")
    waiting_run("acme")
    removal = f"DELETE FROM users WHERE user_id = {user_id}"
    assert during_open_transaction(app, removal, lambda: answers.answer_listing(listing_id)) == []
