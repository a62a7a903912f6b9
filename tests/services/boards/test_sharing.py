"""Boards that several users have chosen: read once for all of them, and read again when it is asked for."""

import pytest

from app.services.runs import answers
from tests.support.boards import job
from tests.support.factories import make_user, run_companies
from tests.support.listings import board_id
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, postings, units, work_on
from tests.support.readers import finish_reading, read_boards, states
from tests.support.wants import make_waiting_run

MINUTE = 60


@pytest.fixture
def other_id(user_id) -> int:
    """A second user."""
    return make_user("other@example.org")


def test_board_of_ten_users_is_requested_once(boards, app):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    users = [make_user(f"{number}@example.org") for number in range(10)]
    for user in users:
        company(user, "acme")
    previews = in_parallel(app, *[lambda user=user: begin_preview(user) for user in users])
    in_parallel(app, *[read_boards] * 3)
    for preview_id in previews:
        work_on(preview_id)
        assert [(unit.state, unit.found) for unit in units(preview_id)] == [("listed", 1)]
    assert boards.count(path) == 1


def test_users_with_other_filters_share_the_reading_only(boards, user_id, other_id):
    path = boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook"), job(3, "Pastry cook")])
    company(user_id, "acme", include=("engineer",))
    company(other_id, "acme", include=("cook",), exclude=("pastry",))
    mine, theirs = begin_preview(user_id), begin_preview(other_id)
    read_boards()
    for preview_id in (mine, theirs):
        work_on(preview_id)
    assert [each.matched for each in postings(mine)] == [True, False, False]
    assert [each.matched for each in postings(theirs)] == [False, True, False]
    assert [units(each)[0].listing_id for each in (mine, theirs)] == [1, 1]
    assert boards.count(path) == 1


def test_listing_answers_another_user_for_ten_minutes(boards, user_id, other_id, shift_clock):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    company(other_id, "acme")
    finish_reading(user_id)
    shift_clock(9 * MINUTE)
    assert finish_reading(other_id).state == "listed"
    assert boards.count(path) == 1
    shift_clock(11 * MINUTE)
    finish_reading(other_id)
    assert boards.count(path) == 2


def test_failed_listing_answers_another_user_for_a_minute(boards, user_id, other_id, shift_clock):
    path = boards.fault("acme", 403)
    company(user_id, "acme")
    company(other_id, "acme")
    first = finish_reading(user_id)
    shift_clock(MINUTE / 2)
    second = finish_reading(other_id)
    assert (second.outcome, second.detail, second.listing_id) == (first.outcome, first.detail, first.listing_id)
    assert boards.count(path) == 1
    shift_clock(2 * MINUTE)
    assert finish_reading(other_id).outcome == "forbidden"
    assert boards.count(path) == 2


def test_failed_listing_leaves_a_fresh_one_the_answer(boards, user_id, other_id, shift_clock):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    company(other_id, "acme")
    finish_reading(user_id)
    shift_clock(2 * MINUTE)
    boards.fault("acme", 403)
    assert finish_reading(user_id, refresh=True).outcome == "forbidden"
    # The listing of two minutes ago answers whoever needs no fresher one.
    assert finish_reading(other_id).outcome == "ok"
    assert states() == ["complete", "failed"]


def test_refresh_reads_again_after_a_minute_not_before(boards, user_id, shift_clock):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    finish_reading(user_id)
    shift_clock(MINUTE / 2)
    finish_reading(user_id, refresh=True)
    assert boards.count(path) == 1
    shift_clock(2 * MINUTE)
    finish_reading(user_id)
    assert boards.count(path) == 1
    finish_reading(user_id, refresh=True)
    assert boards.count(path) == 2


def test_preview_and_run_of_two_users_share_a_reading(boards, user_id, broker):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    run_id = make_waiting_run(board_id("acme"), email="other@example.org")
    read_boards()
    [unit], [company_of_run] = units(preview_id), run_companies(run_id)
    assert (unit.state, unit.listing_id) == (company_of_run.state, company_of_run.listing_id) == ("read", 1)
    assert boards.count(path) == 1


@pytest.mark.parametrize("first", ["preview", "run"])
def test_company_is_answered_by_the_listing_that_another_asked_for(boards, user_id, broker, shift_clock, first):
    path = boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    if first == "preview":
        finish_reading(user_id)
    else:
        make_waiting_run(board_id("acme"), email="other@example.org")
        read_boards()
    shift_clock(9 * MINUTE)
    run_id = make_waiting_run(board_id("acme"), email="third@example.org")
    assert answers.answer_run(run_id) == 1
    assert finish_reading(user_id).state == "listed"
    assert (run_companies(run_id)[0].listing_id, boards.count(path)) == (1, 1)


def test_failed_listing_answers_a_run_for_a_minute(boards, user_id, broker, shift_clock):
    path = boards.fault("acme", 403)
    company(user_id, "acme")
    failed = finish_reading(user_id)
    shift_clock(MINUTE / 2)
    soon = make_waiting_run(board_id("acme"), email="b@example.org")
    answers.answer_run(soon)
    [unit] = run_companies(soon)
    assert (unit.state, unit.detail, unit.listing_id) == ("failed", failed.detail, failed.listing_id)
    read_boards()
    assert boards.count(path) == 1
    shift_clock(2 * MINUTE)
    later = make_waiting_run(board_id("acme"), email="c@example.org")
    read_boards()
    assert (run_companies(later)[0].listing_id, boards.count(path)) == (2, 2)
