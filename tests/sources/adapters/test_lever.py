"""Peculiarities of Lever that the contract does not cover."""

from urllib.parse import urlsplit

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.errors import NotFound
from app.sources.listing import list_board
from tests.sources.adapters.examples import LEVER, parse_record


def test_lever_listing_follows_pages_of_100(web, http_client):
    postings = [{**LEVER[0], "id": f"id-{n}"} for n in range(230)]
    for skip, page in ((0, postings[:100]), (100, postings[100:200]), (200, postings[200:])):
        web.json(f"/v0/postings/acme?mode=json&skip={skip}&limit=100", page)
    listing = list_board(http_client, "lever", "acme")
    assert [posting.external_id for posting in listing.postings] == [f"id-{n}" for n in range(230)]
    assert listing.is_complete
    # The validators of one page do not cover the others.
    assert listing.validators.etag is None


def test_lever_listing_stops_at_a_repeated_page(web, http_client):
    web.json("/v0/postings/acme", [{**LEVER[0], "id": f"id-{n}"} for n in range(100)])
    listing = list_board(http_client, "lever", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete
    assert len(web.paths()) == 2


def test_lever_listing_fails_if_a_later_page_fails(web, http_client):
    web.json("/v0/postings/acme?mode=json&skip=0&limit=100", [{**LEVER[0], "id": f"id-{n}"} for n in range(100)])
    with pytest.raises(NotFound):
        list_board(http_client, "lever", "acme")


@pytest.mark.parametrize("status", [200, 404])
def test_lever_missing_board_is_recognised_with_200_and_404(web, http_client, status):
    web.json("/v0/postings/acme", {"ok": False, "error": "Document not found"}, status=status)
    with pytest.raises(NotFound):
        list_board(http_client, "lever", "acme")


def test_lever_eu_board_uses_the_european_host():
    source = SOURCES["lever"]
    board = source.board("eu:acme")
    assert source.bases[board.region] == "https://api.eu.lever.co"
    assert source.board_page("eu:acme") == "https://jobs.eu.lever.co/acme"
    assert str(source.match_url(urlsplit("https://jobs.eu.lever.co/acme"))) == "eu:acme"


def test_lever_texts_contain_every_list_and_the_closing():
    posting = parse_record("lever", LEVER[0])
    assert "Five years of SQL" in posting.requirements and "Spark & Flink" in posting.requirements
    assert "equal opportunity" in posting.description and "70,000" in posting.description


def test_lever_description_contains_the_opening_once():
    assert parse_record("lever", LEVER[0]).description.count("Come and help us.") == 1
    parts = parse_record("lever", LEVER[0], description="", descriptionPlain="")
    assert parts.description.startswith("Come and help us.\n\nYou move data.")


@pytest.mark.parametrize("created", [1767225600123, 1767225600123.0, "1767225600123"])
def test_lever_created_at_may_be_int_float_or_text(created):
    posting = parse_record("lever", LEVER[0], createdAt=created)
    assert posting.posted_at.isoformat() == "2026-01-01T00:00:00.123000+00:00"


@pytest.mark.parametrize("created", [None, "soon", 10**18, -(10**18), 1.5, True])
def test_lever_invalid_created_at_is_ignored(created):
    assert parse_record("lever", LEVER[0], createdAt=created).posted_at is None
