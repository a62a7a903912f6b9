"""Peculiarities of Teamtailor that the contract does not cover."""

import copy

import pytest

from app.sources.errors import Moved
from app.sources.listing import list_board
from tests.sources.adapters.examples import TEAMTAILOR
from tests.support.web import Reply


def test_teamtailor_a_page_of_a_hundred_that_repeats_is_read_once_and_is_not_everything(web, host):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items})
    listing = list_board(host, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete
    assert len(web.paths()) == 2


def test_teamtailor_goes_on_by_its_offset(web, host):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(130)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items[:100]})
    web.json("/jobs.json?offset=100", {**TEAMTAILOR, "items": items[100:]})
    listing = list_board(host, "teamtailor", "acme")
    assert len(listing.postings) == 130 and listing.is_complete


@pytest.mark.parametrize(
    ("written", "leads"),
    [
        ("/jobs/7100-baker", "https://acme.teamtailor.com/jobs/7100-baker"),
        ("https://career.acme.example/jobs/1-ingénieur", "https://career.acme.example/jobs/1-ing%C3%A9nieur"),
        ("https://career.acme.example/jobs/1 a", "https://career.acme.example/jobs/1%20a"),
        ("//[", "https://acme.teamtailor.com/jobs"),
        ("https://[bad", "https://acme.teamtailor.com/jobs"),
        (None, "https://acme.teamtailor.com/jobs"),
    ],
)
def test_teamtailor_a_link_leads_where_it_was_meant_to(web, host, written, leads):
    document = copy.deepcopy(TEAMTAILOR)
    document["items"][0]["url"] = written
    web.json("/jobs.json", document)
    assert list_board(host, "teamtailor", "acme").postings[0].url == leads


def test_teamtailor_a_bad_request_that_passes_is_asked_again(web, host):
    web.json("/jobs.json", TEAMTAILOR)
    web.replies["/jobs.json"] = [Reply(status=400), web.replies["/jobs.json"]]
    assert len(list_board(host, "teamtailor", "acme").postings) == 2


def test_teamtailor_nothing_behind_a_hundred_is_not_the_end_of_the_board(web, host):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items})
    web.replies["/jobs.json?offset=100"] = Reply(status=404)
    listing = list_board(host, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete


def test_teamtailor_a_feed_that_says_that_it_goes_on_is_not_everything(web, host):
    web.json("/jobs.json", {**TEAMTAILOR, "next_url": "https://acme.teamtailor.com/jobs.json?page=2"})
    assert not list_board(host, "teamtailor", "acme").is_complete


def test_teamtailor_a_company_on_its_own_domain_is_told_as_moved(web, host):
    web.replies["/jobs.json"] = Reply(status=301, headers={"Location": "https://career.acme.example/jobs.json"})
    with pytest.raises(Moved) as told:
        list_board(host, "teamtailor", "acme")
    assert told.value.location == "https://career.acme.example/jobs.json"
