"""Peculiarities of Ashby that the contract does not cover."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.listing import list_board
from tests.sources.adapters.examples import ASHBY, read


def test_ashby_unlisted_postings_are_for_those_who_have_their_address(web, host):
    web.json("/posting-api/job-board/acme", ASHBY)
    listing = list_board(host, "ashby", "acme")
    assert "Not for everybody" not in [posting.title for posting in listing.postings]
    assert listing.is_complete and not listing.unread


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
def test_ashby_the_word_is_right_and_the_flag_is_not(word, flag, workplace):
    assert read("ashby", ASHBY["jobs"][0], workplaceType=word, isRemote=flag).workplace == workplace


def test_ashby_secondary_locations_count_as_well():
    assert read("ashby", ASHBY["jobs"][0]).locations == ("Zurich", "London")


def test_ashby_has_the_time_it_needs():
    assert SOURCES["ashby"].answer_seconds >= 30


def test_ashby_a_name_with_a_blank_is_one_name_however_it_is_written():
    source = SOURCES["ashby"]
    assert source.valid_board("Acme%20Labs") == source.valid_board(" Acme Labs ") == "Acme Labs"
    assert source.first(source.board("Acme Labs")).path == "/posting-api/job-board/Acme%20Labs"
