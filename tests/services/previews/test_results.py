"""Storing small and large listings, and reusing earlier listings after a 304."""

from app.db.execute import run_large_statement
from app.models import Outcome
from app.services.companies import companies
from app.services.previews import leases, results
from app.services.previews.results import ListingResult
from app.sources.adapters.registry import SOURCES
from app.sources.types import Validators
from tests.services.previews.test_lifecycle import offered
from tests.support.boards import job
from tests.support.factories import sql
from tests.support.parallel import in_parallel
from tests.support.previews import begin_preview, company, finish_preview, units

PATH = "/v1/boards/acme/jobs"


def sent_etags(boards) -> list:
    return [request.headers.get("if-none-match") for request in boards.requests if request.path == PATH]


def test_store_listing_uses_the_large_engine_for_large_texts_only(app, user_id, monkeypatch):
    calls = []
    monkeypatch.setattr(
        results, "run_large_statement", lambda statement: calls.append(1) or run_large_statement(statement)
    )
    company(user_id, "acme")
    company(user_id, "beta")
    preview_id = begin_preview(user_id)
    for description, expected in (("x" * 1000, []), ("x" * results.LARGE_TEXT_LENGTH, [1])):
        unit = leases.claim_company(preview_id)
        found = ListingResult([offered("1", "Engineer", description=description)], True, 0, Validators())
        assert results.store_listing(unit, found)
        assert calls == expected


def test_store_listing_stores_eight_large_listings_at_once(app, user_id):
    texts = {"description": "Ä text. " * 400, "requirements": "Hands. " * 300}
    postings = [offered(str(number), f"Engineer {number}", **texts) for number in range(1500)]
    for number in range(8):
        company(user_id, f"b{number}")
    preview_id = begin_preview(user_id)
    claimed = [leases.claim_company(preview_id) for _ in range(8)]
    found = ListingResult(postings, True, 0, Validators())
    calls = [lambda unit=unit: results.store_listing(unit, found) for unit in claimed]
    assert in_parallel(app, *calls) == [True] * 8
    assert {(unit.state, unit.found) for unit in units(preview_id)} == {("listed", 1500)}


def test_listing_by_another_schema_version_is_not_reused(boards, user_id, monkeypatch):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    finish_preview(user_id)
    # The fixture gave this test its own copy of every source.
    object.__setattr__(SOURCES["greenhouse"], "schema_version", 2)
    finish_preview(user_id)
    finish_preview(user_id)
    assert sent_etags(boards) == [None, '"one"', None, '"one"']


def test_listing_older_than_a_day_is_not_reused(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    sql("UPDATE companies SET read_at = read_at - interval '23 h'")
    finish_preview(user_id)
    assert sent_etags(boards) == [None, '"one"']
    # The 304 did not renew the time of reading.
    sql("UPDATE companies SET read_at = read_at - interval '2 h'")
    finish_preview(user_id)
    assert sent_etags(boards) == [None, '"one"', None]


def test_listing_without_a_schema_version_is_not_reused(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")], etag='"one"')
    company(user_id, "acme")
    finish_preview(user_id)
    sql("UPDATE companies SET schema_version = NULL")
    finish_preview(user_id)
    assert sent_etags(boards) == [None, None]


def test_company_of_an_unknown_source_fails_alone(boards, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    company(user_id, "beta")
    sql("UPDATE companies SET source = 'forgotten' WHERE board = 'beta'")
    known, unknown = units(finish_preview(user_id))
    assert (known.state, unknown.state, unknown.outcome) == ("listed", "failed", "unreachable")
    assert "forgotten" in unknown.detail
    assert companies.list_for_user(user_id)[1].outcome == Outcome.UNREACHABLE
