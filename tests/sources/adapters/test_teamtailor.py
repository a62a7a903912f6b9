"""Peculiarities of Teamtailor that the contract does not cover."""

import copy

import pytest

from app.sources.errors import Moved
from app.sources.listing import list_board
from tests.sources.adapters.examples import TEAMTAILOR
from tests.support.web import Reply


def test_teamtailor_listing_stops_at_a_repeated_page(web, http_client):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items})
    listing = list_board(http_client, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete
    assert len(web.paths()) == 2


def test_teamtailor_listing_follows_pages_by_offset(web, http_client):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(130)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items[:100]})
    web.json("/jobs.json?offset=100", {**TEAMTAILOR, "items": items[100:]})
    listing = list_board(http_client, "teamtailor", "acme")
    assert len(listing.postings) == 130 and listing.is_complete


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/jobs/7100-baker", "https://acme.teamtailor.com/jobs/7100-baker"),
        ("https://career.acme.example/jobs/1-ingénieur", "https://career.acme.example/jobs/1-ing%C3%A9nieur"),
        ("https://career.acme.example/jobs/1 a", "https://career.acme.example/jobs/1%20a"),
        ("//[", "https://acme.teamtailor.com/jobs"),
        ("https://[bad", "https://acme.teamtailor.com/jobs"),
        (None, "https://acme.teamtailor.com/jobs"),
    ],
)
def test_teamtailor_link_is_resolved_or_falls_back_to_the_board(web, http_client, link, expected):
    document = copy.deepcopy(TEAMTAILOR)
    document["items"][0]["url"] = link
    web.json("/jobs.json", document)
    assert list_board(http_client, "teamtailor", "acme").postings[0].url == expected


def test_teamtailor_400_is_retried(web, http_client):
    web.json("/jobs.json", TEAMTAILOR)
    web.replies["/jobs.json"] = [Reply(status=400), web.replies["/jobs.json"]]
    assert len(list_board(http_client, "teamtailor", "acme").postings) == 2


def test_teamtailor_listing_is_incomplete_if_page_2_is_missing(web, http_client):
    items = [{**TEAMTAILOR["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**TEAMTAILOR, "items": items})
    web.replies["/jobs.json?offset=100"] = Reply(status=404)
    listing = list_board(http_client, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete


def test_teamtailor_listing_with_a_next_url_is_incomplete(web, http_client):
    web.json("/jobs.json", {**TEAMTAILOR, "next_url": "https://acme.teamtailor.com/jobs.json?page=2"})
    assert not list_board(http_client, "teamtailor", "acme").is_complete


def test_teamtailor_redirect_to_an_own_domain_is_reported_as_moved(web, http_client):
    web.replies["/jobs.json"] = Reply(status=301, headers={"Location": "https://career.acme.example/jobs.json"})
    with pytest.raises(Moved) as raised:
        list_board(http_client, "teamtailor", "acme")
    assert raised.value.location == "https://career.acme.example/jobs.json"
