"""Rules of listings that hold for every source."""

import copy

import pytest

from app.sources.errors import ShapeChanged
from app.sources.listing import list_board
from tests.sources.adapters.examples import GREENHOUSE
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
