"""Rules of listings that hold for every source."""

import copy
import gc
import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.errors import MAX_DETAIL_LENGTH, Moved, OutOfTime, ShapeChanged
from app.sources.listing import list_board
from app.sources.parsing.dates_and_places import MAX_LOCATIONS
from app.sources.parsing.postings import BATCH_BYTES, BATCH_POSTINGS, next_batch
from app.sources.types import MAX_RECORDS, Posting, Response
from tests.sources.adapters.examples import GREENHOUSE
from tests.sources.conftest import UnlimitedRateLimiter, make_client
from tests.support.web import Reply


def test_listing_counts_a_posting_with_an_overlong_id(web, http_client):
    document = copy.deepcopy(GREENHOUSE)
    document["jobs"][0]["id"] = "x" * 256
    web.json("/v1/boards/acme/jobs", document)
    listing = list_board(http_client, "greenhouse", "acme")
    assert len(listing.postings) == 2 and listing.unparsed == 1


def test_listing_merges_the_locations_of_a_duplicate(web, http_client):
    other = {**GREENHOUSE["jobs"][0], "location": {"name": "Bremen, Germany; Oslo"}}
    web.json("/v1/boards/acme/jobs", {"jobs": [GREENHOUSE["jobs"][0], other]})
    [posting] = list_board(http_client, "greenhouse", "acme").postings
    assert posting.locations == ("Turin, Italy", "Bremen, Germany", "Oslo")


def test_listing_by_pages_fails_if_a_page_fails(web, http_client):
    web.json("/v0/postings/acme?mode=json&skip=0&limit=100", [{"id": str(n), "text": "x"} for n in range(100)])
    web.replies["/v0/postings/acme?mode=json&skip=100&limit=100"] = Reply(b"<urlset>")
    with pytest.raises(ShapeChanged):
        list_board(http_client, "lever", "acme")


def jobs(count: int, **members) -> dict:
    return {"jobs": [{"id": number, "title": f"Baker {number}", **members} for number in range(count)]}


def test_listing_passes_on_its_postings_in_batches(web, http_client):
    web.json("/v1/boards/acme/jobs", jobs(BATCH_POSTINGS + 1, content="<p>Bake.</p>"))
    batches: list[list[Posting]] = []
    listing = list_board(http_client, "greenhouse", "acme", on_postings=batches.append)
    assert [len(batch) for batch in batches] == [BATCH_POSTINGS, 1]
    assert (listing.postings, listing.count, listing.is_complete) == ((), BATCH_POSTINGS + 1, True)
    assert batches[1][0].description == "Bake."


def test_listing_passes_on_a_batch_when_its_texts_are_long(web, http_client):
    web.json("/v1/boards/acme/jobs", jobs(30, content="x" * 300_000))
    batches: list[list[Posting]] = []
    list_board(http_client, "greenhouse", "acme", on_postings=batches.append)
    assert len(batches) > 1 and sum(map(len, batches)) == 30
    assert max(len(batch) for batch in batches) * 300_000 <= BATCH_BYTES + 300_000


def test_listing_passes_on_a_posting_again_if_it_says_more(web, http_client):
    job = {"id": 1, "title": "Baker", "location": {"name": "Turin"}, "content": ""}
    others = [{"id": number, "title": "x"} for number in range(2, BATCH_POSTINGS + 2)]
    again = [{**job, "content": "Bake."}, {**job, "location": {"name": "Oslo"}, "content": "Eat."}, job]
    web.json("/v1/boards/acme/jobs", {"jobs": [job, *others, *again]})
    batches: list[list[Posting]] = []
    listing = list_board(http_client, "greenhouse", "acme", on_postings=batches.append)
    known = [posting for batch in batches for posting in batch if posting.external_id == "1"]
    assert [(each.locations, each.description) for each in known] == [
        (("Turin",), None),
        (("Turin", "Oslo"), "Eat."),
    ]
    assert listing.count == BATCH_POSTINGS + 1


def test_listing_passes_on_a_posting_again_whole(web, http_client):
    job = {"id": 1, "title": "Baker", "location": {"name": "Turin"}, "content": "Bake."}
    others = [{"id": number, "title": "x"} for number in range(2, BATCH_POSTINGS + 2)]
    again = {"id": 1, "title": "Cook", "location": {"name": "Oslo"}, "content": "Cook.", "updated_at": "2026-01-02"}
    web.json("/v1/boards/acme/jobs", {"jobs": [job, *others, again]})
    batches: list[list[Posting]] = []
    list_board(http_client, "greenhouse", "acme", on_postings=batches.append)
    first, last = batches[0][0], batches[-1][-1]
    new = {"locations": ("Turin", "Oslo"), "description": "Cook.", "updated_at": datetime(2026, 1, 2, tzinfo=UTC)}
    assert last == replace(first, **new)


def test_listing_does_not_replace_a_text_by_none(web, http_client):
    job = {"id": 1, "title": "Baker", "location": {"name": "Turin"}, "content": "Bake."}
    others = [{"id": number, "title": "x"} for number in range(2, BATCH_POSTINGS + 2)]
    web.json("/v1/boards/acme/jobs", {"jobs": [job, *others, {**job, "location": {"name": "Oslo"}, "content": ""}]})
    batches: list[list[Posting]] = []
    list_board(http_client, "greenhouse", "acme", on_postings=batches.append)
    known = [posting for batch in batches for posting in batch if posting.external_id == "1"]
    assert [posting.description for posting in known] == ["Bake."]


def test_listing_has_at_most_so_many_records(web, http_client):
    web.json("/v1/boards/acme/jobs", jobs(MAX_RECORDS + 1))
    listing = list_board(http_client, "greenhouse", "acme")
    assert (listing.count, listing.is_complete) == (MAX_RECORDS, False)


def test_listing_asks_for_no_page_beyond_its_limit(web, http_client, monkeypatch):
    monkeypatch.setattr("app.sources.listing_builder.MAX_RECORDS", 150)
    for skip in (0, 100, 200):
        path = f"/v0/postings/acme?mode=json&skip={skip}&limit=100"
        web.json(path, [{"id": f"{skip}-{number}", "text": "x"} for number in range(100)])
    listing = list_board(http_client, "lever", "acme")
    assert (listing.count, listing.is_complete) == (150, False)
    assert len([path for path in web.paths() if "postings" in path]) == 2


def test_listing_ends_when_its_postings_take_too_much_memory(web, http_client, monkeypatch):
    monkeypatch.setattr("app.sources.listing_builder.MAX_KEPT_BYTES", 100_000)
    web.json("/v1/boards/acme/jobs", jobs(1000, location={"name": "x" * 200}))
    listing = list_board(http_client, "greenhouse", "acme")
    assert 100 < listing.count < 300 and not listing.is_complete


def test_listing_counts_the_memory_of_merged_places(web, http_client, monkeypatch):
    monkeypatch.setattr("app.sources.listing_builder.MAX_KEPT_BYTES", 100_000)
    again = jobs(200, location={"name": "; ".join(f"{number:0>100}" for number in range(50))})["jobs"]
    web.json("/v1/boards/acme/jobs", {"jobs": jobs(200)["jobs"] + again})
    batches: list[list[Posting]] = []
    assert not list_board(http_client, "greenhouse", "acme", on_postings=batches.append).is_complete
    kept = {posting.external_id: posting for batch in batches for posting in batch}
    assert 5 < sum(len(posting.locations) == 50 for posting in kept.values()) < 20


def test_listing_that_is_not_read_to_its_end_is_incomplete(web, http_client, monkeypatch):
    monkeypatch.setattr("app.sources.parsing.json_rows.MAX_EVENTS", 2000)
    web.json("/v1/boards/acme/jobs", jobs(1000))
    listing = list_board(http_client, "greenhouse", "acme")
    assert 100 < listing.count < 500 and not listing.is_complete


def test_listing_of_rubbish_takes_little_memory(web, http_client):
    body = b'{"jobs": [' + b"{}," * 1_000_000 + b"{}]}"
    web.replies["/v1/boards/acme/jobs"] = Reply(body)
    tracemalloc.start()
    try:
        with pytest.raises(ShapeChanged):
            list_board(http_client, "greenhouse", "acme")
        assert tracemalloc.get_traced_memory()[1] < 5 * len(body)
    finally:
        tracemalloc.stop()


def test_listing_ends_at_its_deadline_within_a_response():
    response = Response(200, {}, json.dumps(jobs(1)).encode(), "https://example.org")
    with pytest.raises(OutOfTime):
        next_batch(SOURCES["greenhouse"].parse(response, Board("acme")), Deadline.of(-1))


def test_posting_has_at_most_so_many_places(web, http_client):
    web.json("/v1/boards/acme/jobs", jobs(1, location={"name": ";".join(map(str, range(1000)))}))
    [posting] = list_board(http_client, "greenhouse", "acme").postings
    assert len(posting.locations) == MAX_LOCATIONS


def test_sentence_about_a_board_is_short_whatever_the_host_writes(web, http_client):
    web.replies["/v1/boards/acme/jobs"] = Reply(b"", 302, {"Location": f"https://{'x' * 1900}.example/"})
    with pytest.raises(Moved) as raised:
        list_board(http_client, "greenhouse", "acme")
    assert len(raised.value.detail) == MAX_DETAIL_LENGTH and raised.value.detail.endswith("…")


def test_listing_ends_when_its_texts_are_too_long(web, http_client, monkeypatch):
    monkeypatch.setattr("app.sources.listing_builder.MAX_TEXT_CHARACTERS", 10_000)
    for skip in (0, 100, 200):
        path = f"/v0/postings/acme?mode=json&skip={skip}&limit=100"
        web.json(path, [{"id": f"{skip}-{number}", "text": "x", "description": "y" * 90} for number in range(100)])
    listing = list_board(http_client, "lever", "acme")
    assert (listing.count, listing.is_complete) == (200, False)


class CountingRateLimiter(UnlimitedRateLimiter):
    """A limiter that counts the responses in memory before each request."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def acquire_slot(self, *_: object) -> float:
        """Count the responses, and make no pause."""
        self.counts.append(sum(isinstance(each, Response) for each in gc.get_objects()))
        return 0.0


def test_listing_drops_a_response_before_it_requests_the_next(web):
    for skip in (0, 100, 200):
        path = f"/v0/postings/acme?mode=json&skip={skip}&limit=100"
        web.json(path, [{"id": f"{skip}-{number}", "text": "x"} for number in range(100 if skip < 200 else 1)])
    gc.collect()
    limiter = CountingRateLimiter()
    assert list_board(make_client(web, limiter), "lever", "acme").count == 201
    assert len(limiter.counts) == 4 and set(limiter.counts) == {limiter.counts[0]}
