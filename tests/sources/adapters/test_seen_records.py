"""Records that cannot be parsed: they are seen if their ids can be read, and make a listing incomplete if not."""

from typing import Any

import pytest

from app.sources.errors import ShapeChanged
from app.sources.listing import list_board
from app.sources.types import Listing
from tests.sources.adapters.test_website import page, posting, serve_site
from tests.support.web import Reply, Web

BOARDS: dict[str, tuple[str, str, str]] = {
    "greenhouse": ("/v1/boards/acme/jobs", "jobs", "id"),
    "lever": ("/v0/postings/acme", "", "id"),
    "ashby": ("/posting-api/job-board/acme", "jobs", "id"),
    "workable": ("/api/v1/widget/accounts/acme", "jobs", "shortcode"),
    "teamtailor": ("/jobs.json", "items", "id"),
    "recruitee": ("/api/offers/", "offers", "id"),
    "personio": ("/xml", "", "id"),
}
every_board = pytest.mark.parametrize("source", BOARDS)
SITE = "https://careers.acme.com"


def serve(web: Web, source: str, *rows: dict[str, Any]) -> None:
    """Serve a readable record with the id "whole", and these records."""
    path, name, identity = BOARDS[source]
    title = {"lever": "text", "personio": "name"}.get(source, "title")
    records = [{identity: "whole", title: "Baker"}, *({identity: row["id"]} if "id" in row else {} for row in rows)]
    if source == "personio":
        elements = "".join(
            f"<position>{''.join(f'<{key}>{value}</{key}>' for key, value in record.items())}</position>"
            for record in records
        )
        web.replies[path] = Reply(f"<workzag-jobs>{elements}</workzag-jobs>".encode())
    else:
        web.json(path, {name: records} if name else records)


def read(http_client, source: str, board: str = "acme") -> tuple[Listing, list[str]]:
    """List the board; return the listing, and the ids that were passed on as seen."""
    seen: list[str] = []
    return list_board(http_client, source, board, on_seen=seen.extend), seen


@every_board
def test_record_with_an_id_and_nothing_else_is_seen(web, http_client, source):
    serve(web, source, {"id": " a  b&amp;c "}, {"id": 7})
    listing, seen = read(http_client, source)
    # Personio's feed is asked for in German too, because a posting has no text.
    assert list(dict.fromkeys(seen)) == ["a b&c", "7"]
    assert listing.is_complete and listing.unparsed >= 2
    assert [each.external_id for each in listing.postings] == ["whole"]


@every_board
@pytest.mark.parametrize("row", [{}, {"id": ""}, {"id": "x" * 256}], ids=["none", "blank", "too long"])
def test_record_without_a_valid_id_makes_the_listing_partial(web, http_client, source, row):
    serve(web, source, row)
    listing, seen = read(http_client, source)
    assert (seen, listing.is_complete) == ([], False) and listing.unparsed


def test_record_that_is_no_object_makes_the_listing_partial(web, http_client):
    web.json("/v0/postings/acme", [{"id": "1", "text": "Baker"}, "rubbish"])
    listing, seen = read(http_client, "lever")
    assert (seen, listing.is_complete, listing.unparsed) == ([], False, 1)


@pytest.mark.parametrize(
    "row",
    [{"id": 5, "title": "&nbsp;"}, {"id": 5, "title": "<<", "content": 5, "location": [[]] * 20_000}],
    ids=["a title without letters", "a row beyond the limits"],
)
def test_record_that_is_refused_after_parsing_is_seen(web, http_client, row):
    web.json("/v1/boards/acme/jobs", {"jobs": [{"id": 1, "title": "Baker"}, row]})
    listing, seen = read(http_client, "greenhouse")
    assert (seen, listing.is_complete, listing.unparsed) == (["5"], True, 1)


def test_record_that_is_too_large_is_seen_by_an_id_after_its_texts(web, http_client):
    large = {"description": "x" * 3_000_000, "additional": "y" * 3_000_000, "lists": [{"id": "inner"}], "id": "late"}
    web.json("/v0/postings/acme", [{"id": "1", "text": "Baker"}, large])
    listing, seen = read(http_client, "lever")
    assert (seen, listing.is_complete, listing.unparsed) == (["late"], True, 1)


def test_record_that_is_read_and_unread_is_passed_on_both_ways(web, http_client):
    web.json("/v1/boards/acme/jobs", {"jobs": [{"id": 1, "title": "Baker"}, {"id": 1}]})
    listing, seen = read(http_client, "greenhouse")
    assert (listing.count, seen, listing.is_complete) == (1, ["1"], True)


def test_listing_passes_on_seen_ids_in_batches(web, http_client):
    web.json("/v1/boards/acme/jobs", {"jobs": [{"id": 0, "title": "Baker"}, *({"id": n} for n in range(1, 1200))]})
    batches: list[list[str]] = []
    list_board(http_client, "greenhouse", "acme", on_seen=batches.append)
    assert len(batches) > 2 and max(map(len, batches)) <= 500
    assert [each for batch in batches for each in batch] == [str(number) for number in range(1, 1200)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"identifier": {"value": "R-1"}}, ["R-1", f"{SITE}/jobs/b"]),
        ({"identifier": {"value": "R-1"}, "url": "/x"}, ["R-1", f"{SITE}/x"]),
        ({}, [f"{SITE}/jobs/b"]),
    ],
    ids=["an identifier", "an identifier and a link", "only its page"],
)
def test_website_page_with_an_unreadable_posting_is_seen(web, http_client, record, expected):
    serve_site(web, a=posting("A"), b=page({"@type": "JobPosting", **record}))
    listing, seen = read(http_client, "website", "careers.acme.com")
    assert (seen, listing.is_complete, listing.unparsed) == (expected, True, 1)


@pytest.mark.parametrize("record", [{}, {"identifier": "x" * 256, "url": "/x"}], ids=["none", "too long"])
def test_website_posting_without_a_valid_id_makes_it_partial(web, http_client, record):
    serve_site(web, a=page(posting("A"), {"@type": "JobPosting", **record}))
    listing, seen = read(http_client, "website", "careers.acme.com")
    assert (listing.count, seen, listing.is_complete, listing.unparsed) == (1, [], False, 1)


def test_website_page_that_fails_to_load_makes_the_listing_partial(web, http_client):
    serve_site(web, a=posting("A"), b=Reply(status=500))
    listing, seen = read(http_client, "website", "careers.acme.com")
    assert (listing.count, seen, listing.is_complete, listing.unparsed) == (1, [], False, 1)


def test_website_whose_postings_are_all_unreadable_is_an_error(web, http_client):
    serve_site(web, a=page({"@type": "JobPosting"}), b=page({"@type": "JobPosting", "title": " "}))
    with pytest.raises(ShapeChanged, match="title is missing"):
        read(http_client, "website", "careers.acme.com")
