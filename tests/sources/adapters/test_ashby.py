"""Peculiarities of Ashby that the contract does not cover."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.listing import list_board
from tests.sources.adapters.examples import ASHBY, parse_record


def test_ashby_leaves_out_unlisted_postings(web, http_client):
    web.json("/posting-api/job-board/acme", ASHBY)
    listing = list_board(http_client, "ashby", "acme")
    assert "Not for everybody" not in [posting.title for posting in listing.postings]
    assert listing.is_complete and not listing.unparsed


@pytest.mark.parametrize(
    ("word", "flag", "workplace"),
    [
        ("Hybrid", True, "hybrid"),
        ("OnSite", True, "on_site"),
        ("Remote", False, "remote"),
        (None, True, "remote"),
        (None, False, None),
        ("Moon", True, "remote"),
    ],
)
def test_ashby_workplace_type_overrides_is_remote(word, flag, workplace):
    assert parse_record("ashby", ASHBY["jobs"][0], workplaceType=word, isRemote=flag).workplace == workplace


def test_ashby_locations_include_secondary_ones():
    assert parse_record("ashby", ASHBY["jobs"][0]).locations == ("Zurich", "London")


def test_ashby_response_timeout_is_at_least_30_seconds():
    assert SOURCES["ashby"].response_timeout >= 30


def test_ashby_board_with_a_space_is_normalized():
    source = SOURCES["ashby"]
    assert source.valid_board("Acme%20Labs") == source.valid_board(" Acme Labs ") == "Acme Labs"
    assert source.first_request(source.board("Acme Labs")).path == "/posting-api/job-board/Acme%20Labs"
