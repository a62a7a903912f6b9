"""The companies of a run, in pages."""

import pytest

from app.services.runs import company_queries
from app.services.runs.errors import RunNotFound
from tests.support.factories import make_run, sql
from tests.support.run_units import add_unit, lease, other_user


def positions(run_id: int, limit: int, **filters) -> list[int]:
    """Turn all pages, and return the positions in their order."""
    found, after = [], None
    while True:
        page, after, _ = company_queries.page(run_id, after=after, limit=limit, **filters)
        found += [company.position for company in page]
        assert len(page) <= limit
        if after is None:
            return found


@pytest.fixture
def run_id(user_id) -> int:
    """A run with companies in every state."""
    run_id = make_run("ingesting", user_id)
    for position, state in enumerate(("taken_in", "waiting", "failed", "waiting", "read", "failed", "taken_in"), 1):
        add_unit(run_id, position, f"b{position}", state)
    lease("b4")
    return run_id


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_failed_companies_come_first_then_all_by_position(run_id, limit):
    assert positions(run_id, limit) == [3, 6, 1, 2, 4, 5, 7]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("waiting", [2]), ("reading", [4]), ("read", [5]), ("taken_in", [1, 7]), ("failed", [3, 6])],
)
def test_companies_can_be_filtered_by_the_state_that_is_shown(run_id, state, expected):
    assert positions(run_id, 1, state=state) == expected
    page, *_ = company_queries.page(run_id, state=state)
    assert {company.state for company in page} == {state}


def test_thousand_companies_are_paged_without_loss(user_id):
    run_id, other = make_run("ingesting", user_id), make_run("ingesting", other_user())
    add_unit(other, 1, "acme", "failed")
    sql(
        "INSERT INTO run_companies (run_id, position, company_id, board_id, source, board, name, is_baseline,"
        " fresh_after, state, outcome) SELECT :run, n, n, n, 'lever', 'b' || n, 'B' || n, false, now(),"
        " CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'waiting' END, CASE WHEN n % 10 = 0 THEN 'gone' END"
        " FROM generate_series(1, 1000) n",
        run=run_id,
    )
    failed, rest = [*range(10, 1001, 10)], [n for n in range(1, 1001) if n % 10]
    assert positions(run_id, 100) == failed + rest


def test_revision_is_that_of_the_run(run_id):
    page, _, revision = company_queries.page(run_id)
    assert (len(page), revision) == (7, 2 * 10**13 + 9 * 10**9)


def test_run_without_companies_has_an_empty_page(user_id):
    run_id = make_run("finished", user_id)
    assert company_queries.page(run_id, user_id) == ([], None, 3 * 10**13)


def test_companies_of_another_users_run_are_not_found(run_id):
    assert company_queries.page(run_id)[0]
    for user_id, wanted in ((other_user(), run_id), (None, 404)):
        with pytest.raises(RunNotFound):
            company_queries.page(wanted, user_id)
