"""Boards under two names."""

import pytest

from app.services.companies import companies, same_boards
from app.services.companies.same_boards import SameBoard
from tests.support.factories import make_user, sql
from tests.support.listed_boards import add_postings, make_board


def add(user_id: int, source: str, board: str) -> int:
    """Add a company with this name and board."""
    fields = {"source": source, "board": board, "name": board, "enabled": True, "include": [], "exclude": []}
    return companies.add(user_id, fields).company_id


def ids(*numbers: int) -> list[str]:
    return [f"id {number}" for number in range(*numbers)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("greenhouse", "Acme"), ("greenhouse", "acme")),
        (("website", "www.acme.com"), ("website", "acme.com")),
        (("website", "acme.com"), ("website", "www.acme.com")),
        (("lever", "acme."), ("lever", "acme")),
        (("lever", "eu:www.acme"), ("lever", "eu:ACME")),
        (("teamtailor", "jobs.acme.com"), ("website", "jobs.acme.com")),
        (("website", "www.jobs.acme.com"), ("recruitee", "jobs.acme.com")),
    ],
)
def test_names_in_another_form_are_the_same_board(user_id, first, second):
    company_id = add(user_id, *first)
    add(user_id, *second)
    found = SameBoard(company_id, first[1])
    assert same_boards.find_stored(user_id, *second) == found
    assert same_boards.find_listed(user_id, *second, [], 0) == found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("greenhouse", "acme"), ("lever", "acme")),
        (("greenhouse", "acme.com"), ("website", "acme.com")),
        (("website", "acme.com"), ("greenhouse", "acme.com")),
        (("lever", "eu:acme"), ("lever", "acme")),
        (("greenhouse", "acme"), ("greenhouse", "acme2")),
        (("greenhouse", "wwwacme"), ("greenhouse", "acme")),
    ],
)
def test_names_that_differ_are_not_the_same_board(user_id, first, second):
    add(user_id, *first)
    add(user_id, *second)
    assert same_boards.find_stored(user_id, *second) is None
    assert same_boards.find_listed(user_id, *second, [], 0) is None


@pytest.mark.parametrize(
    ("theirs", "listed", "is_same"),
    [
        (ids(10), ids(10), True),
        (ids(10), ids(1, 11), True),
        (ids(10), ids(2, 12), False),
        (ids(5), ids(40), True),
        (ids(40), ids(5), True),
        (ids(4), ids(4), False),
        (ids(4), ids(40), False),
        (ids(10), ids(10, 20), False),
        (ids(10), [], False),
        (ids(100), ids(1200), True),
        (ids(1200), ids(100), True),
        (ids(3000), ids(100, 3100), True),
        (ids(3000), [*ids(0, 3000, 2), *ids(3000, 4500)][::-1], False),
    ],
)
def test_boards_that_share_most_postings_are_the_same(user_id, theirs, listed, is_same):
    company_id = add(user_id, "teamtailor", "acme")
    add_postings(make_board("teamtailor", "acme"), theirs)
    found = SameBoard(company_id, "acme") if is_same else None
    assert same_boards.find_listed(user_id, "teamtailor", "jobs.acme.com", listed, len(listed)) == found
    add_postings(make_board("teamtailor", "jobs.acme.com"), listed)
    assert same_boards.find_stored(user_id, "teamtailor", "jobs.acme.com") == found


def test_closed_postings_are_not_compared(user_id):
    add(user_id, "teamtailor", "acme")
    add_postings(make_board("teamtailor", "acme"), ids(10))
    sql(
        "UPDATE postings SET missing_since = now(), missing_listing_id = 0, closed_at = now(), closed_listing_id = 1,"
        " closed_reason = 'unseen'"
    )
    assert same_boards.find_listed(user_id, "teamtailor", "jobs.acme.com", ids(10), 10) is None


def test_boards_of_other_sources_and_users_are_not_compared(app, user_id):
    add(user_id, "website", "acme.com")
    add_postings(make_board("website", "acme.com"), ids(10))
    add(make_user("other@example.org"), "teamtailor", "acme")
    add_postings(make_board("teamtailor", "acme"), ids(10))
    assert same_boards.find_listed(user_id, "teamtailor", "jobs.acme.com", ids(10), 10) is None
    assert same_boards.find_listed(user_id, "teamtailor", "ACME", ids(10), 10) is None


def test_the_same_name_comes_before_shared_postings(user_id):
    add(user_id, "teamtailor", "acme")
    add_postings(make_board("teamtailor", "acme"), ids(10))
    same = add(user_id, "teamtailor", "www.jobs.acme.com")
    found = same_boards.find_listed(user_id, "teamtailor", "jobs.acme.com", ids(10), 10)
    assert found == SameBoard(same, "www.jobs.acme.com")
