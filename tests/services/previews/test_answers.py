"""Companies that wait are answered by the listings of their boards, whoever asked for those."""

import pytest

from app.services.previews import answers
from tests.support.factories import make_user, open_transaction, sql
from tests.support.listings import board_id, fail_board, list_board
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, preview, units, work_on

FRESH, REFRESH, FAILED = 600, 60, 60
"""Seconds for which listings answer."""


def states(preview_id: int) -> list[str]:
    return [unit.state for unit in units(preview_id)]


def both(preview_id: int, listing_id: int):
    """Return the two ways to answer the companies of a preview."""
    return {
        "preview": lambda: answers.answer_preview(preview_id),
        "listing": lambda: answers.answer_listing(listing_id),
    }


@pytest.mark.parametrize("way", ["preview", "listing"])
@pytest.mark.parametrize(
    ("age", "refresh", "state"),
    [(0, False, "read"), (FRESH - 20, False, "read"), (FRESH + 20, False, "waiting"),
     (REFRESH - 20, True, "read"), (REFRESH + 20, True, "waiting")],
)
def test_listing_answers_if_it_began_late_enough(user_id, way, age, refresh, state):
    company(user_id, "acme")
    preview_id = begin_preview(user_id, refresh)
    listing_id = list_board("acme", ["Engineer"], age=age)
    both(preview_id, listing_id)[way]()
    assert [(unit.state, unit.listing_id) for unit in units(preview_id)] == [
        (state, listing_id if state == "read" else None)
    ]


@pytest.mark.parametrize("way", ["preview", "listing"])
@pytest.mark.parametrize(
    ("age", "answers_for", "state"),
    [(0, 30, "failed"), (0, -1, "waiting"), (FRESH + 20, 30, "failed"), (FRESH + 20, -1, "waiting")],
)
def test_failed_listing_answers_for_its_time_whenever_it_began(user_id, way, age, answers_for, state):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    listing_id = fail_board("acme", "throttled", "Too much.", age=age, answers_for=answers_for, retry_at="2027-01-01")
    both(preview_id, listing_id)[way]()
    [unit] = units(preview_id)
    assert unit.state == state
    if state == "failed":
        assert (unit.outcome, unit.detail, unit.listing_id) == ("throttled", "Too much.", listing_id)
        assert (unit.retry_at.year, unit.found) == (2027, None)
        assert unit.listed_at == sql("SELECT ended_at FROM listings")[0].ended_at


def test_content_is_preferred_to_a_later_failure(user_id):
    company(user_id, "acme")
    content = list_board("acme", ["Engineer"], age=60)
    failure = fail_board("acme")
    first = begin_preview(user_id)
    answers.answer_listing(failure)
    assert [(unit.state, unit.listing_id) for unit in units(first)] == [("read", content)]
    work_on(first)
    second = begin_preview(user_id, refresh=True)
    answers.answer_preview(second)
    assert [(unit.state, unit.listing_id) for unit in units(second)] == [("failed", failure)]


def test_listing_answers_the_companies_of_its_board_alone(user_id):
    for board in ("acme", "beta"):
        company(user_id, board)
    company(user_id, "acme", source="lever", name="Acme at Lever")
    preview_id = begin_preview(user_id)
    list_board("beta")
    answers.answer_listing(list_board("acme"))
    assert states(preview_id) == ["read", "waiting", "waiting"]


def test_reading_under_way_answers_nothing(user_id):
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("INSERT INTO listings (board_id) VALUES (:board)", board=board_id("acme"))
    assert (answers.answer_preview(preview_id), states(preview_id)) == (0, ["waiting"])


def test_listing_returns_the_previews_with_something_to_do(user_id):
    """A preview whose company failed has something to do only if no other company is left."""
    others = [make_user(f"{name}@example.org") for name in ("ann", "bob", "eve")]
    for user in (user_id, *others):
        company(user, "acme")
    company(others[0], "beta")
    whole, part, finished, late = [begin_preview(user) for user in (user_id, *others)]
    sql("UPDATE previews SET finished_at = now() WHERE preview_id = :id", id=finished)
    sql("DELETE FROM previews WHERE preview_id = :id", id=late)
    failure = fail_board("acme")
    assert answers.answer_listing(failure) == [whole]
    assert answers.answer_listing(failure) == []
    assert states(part) == ["failed", "waiting"]
    assert answers.answer_listing(list_board("beta")) == [part]


def test_last_two_answers_at_once_name_the_preview_at_least_once(app, user_id):
    for board in ("acme", "beta"):
        company(user_id, board)
        fail_board(board)
    listings = [row.listing_id for row in sql("SELECT listing_id FROM listings")]
    for _ in range(10):
        preview_id = begin_preview(user_id)
        named = in_parallel(app, *[lambda each=each: answers.answer_listing(each) for each in listings])
        assert [preview_id] in named
        work_on(preview_id)
        assert preview(preview_id).finished_at


def test_answers_of_many_previews_at_once_do_not_deadlock(app, user_id):
    users = [user_id, *[make_user(f"u{number}@example.org") for number in range(5)]]
    boards = [f"b{number}" for number in range(6)]
    for user in users:
        for board in boards:
            company(user, board)
    listings = [list_board(board) for board in boards]
    for _ in range(5):
        previews = [begin_preview(user) for user in users]
        calls = [lambda each=each: answers.answer_preview(each) for each in previews]
        in_parallel(app, *calls, *[lambda each=each: answers.answer_listing(each) for each in listings])
        assert all(states(each) == ["read"] * 6 for each in previews)
        sql("DELETE FROM previews")


def test_source_that_is_switched_off_fails_what_no_listing_answers(user_id):
    company(user_id, "acme")
    company(user_id, "beta")
    company(user_id, "gamma", source="lever")
    sql("INSERT INTO source_switches (source) VALUES ('greenhouse')")
    list_board("acme")
    preview_id = begin_preview(user_id)
    answers.answer_preview(preview_id)
    assert states(preview_id) == ["read", "failed", "waiting"]
    beta = units(preview_id)[1]
    assert (beta.outcome, beta.listing_id, beta.retry_at) == ("forbidden", None, None)
    assert beta.detail == "The operator has switched off reading Greenhouse on this server."
    assert beta.listed_at is not None


def test_source_that_this_version_lacks_fails_what_no_listing_answers(user_id):
    company(user_id, "acme")
    company(user_id, "beta", source="forgotten")
    company(user_id, "gamma", source="forgotten")
    list_board("beta", source="forgotten")
    preview_id = begin_preview(user_id)
    answers.answer_preview(preview_id)
    assert states(preview_id) == ["waiting", "read", "failed"]
    gamma = units(preview_id)[2]
    assert (gamma.outcome, gamma.detail) == (
        "out_of_time", "This version does not support the source “forgotten”, so it cannot read its boards."
    )


def test_board_that_is_being_stored_keeps_no_answer_waiting(user_id):
    company(user_id, "acme")
    list_board("acme")
    with open_transaction("UPDATE boards SET attempt = 1"):
        preview_id = begin_preview(user_id)
        answers.answer_preview(preview_id)
    assert states(preview_id) == ["read"]
