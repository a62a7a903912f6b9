"""Storing small and large listings, and reusing earlier listings after a 304."""

from app.services.previews import leases, posting_batches, results
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


def test_eight_large_listings_are_stored_at_once(app, user_id):
    texts = {"description": "Ä text. " * 400, "requirements": "Hands. " * 300}
    postings = [offered(str(number), f"Engineer {number}", **texts) for number in range(1500)]
    for number in range(8):
        company(user_id, f"b{number}")
    preview_id = begin_preview(user_id)

    def store(unit) -> bool:
        for batch in posting_batches.batches(postings):
            posting_batches.store_postings(unit, batch)
        return results.store_listing(unit, ListingResult(True, 0, Validators()))

    claimed = [leases.claim_company(preview_id) for _ in range(8)]
    assert in_parallel(app, *[lambda unit=unit: store(unit) for unit in claimed]) == [True] * 8
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
