"""What Personio, Teamtailor and Workable do in their own way."""

import copy
import json
from pathlib import Path

import pytest

from app.sources.errors import Moved, NotFound, Throttled
from app.sources.listing import list_board
from tests.support.web import Reply

BOARDS = Path(__file__).parent / "boards"
FEED = json.loads((BOARDS / "teamtailor" / "feed.json").read_text())
ACCOUNT = json.loads((BOARDS / "workable" / "account.json").read_text())
POSITIONS = (BOARDS / "personio" / "positions.xml").read_text()


def test_personio_a_name_within_a_description_is_not_the_positions(web, host):
    nameless = POSITIONS.replace("<name>Rust &amp; Go Engineer</name>", "")
    web.replies["/xml"] = Reply(nameless.encode())
    listing = list_board(host, "personio", "acme")
    assert [posting.external_id for posting in listing.postings] == ["1101"]
    assert listing.unparsed and not listing.is_complete


def test_personio_what_has_a_text_in_english_is_not_asked_for_in_german(web, host):
    web.replies["/xml"] = Reply(POSITIONS.split("  <position>\n    <id>1101")[0].encode() + b"</workzag-jobs>")
    assert len(list_board(host, "personio", "acme").postings) == 1
    assert len(web.paths()) == 1


def test_personio_an_empty_feed_is_a_healthy_board(web, host):
    web.replies["/xml"] = Reply(b"<?xml version='1.0'?><workzag-jobs></workzag-jobs>")
    listing = list_board(host, "personio", "acme")
    assert listing.postings == () and listing.is_complete


def test_personio_words_that_speak_of_people_make_no_feed_a_page(web, host):
    web.replies["/xml"] = Reply(POSITIONS.replace("Cake.", "Attention required! Captcha!").encode())
    assert len(list_board(host, "personio", "acme").postings) == 2


def test_personio_a_feed_that_is_switched_off_is_told(web, host):
    web.replies["/xml"] = Reply(b"<html>Not found</html>", 404)
    with pytest.raises(NotFound):
        list_board(host, "personio", "acme")


def test_teamtailor_a_page_of_a_hundred_that_repeats_is_read_once_and_is_not_everything(web, host):
    items = [{**FEED["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**FEED, "items": items})
    listing = list_board(host, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete
    assert len(web.paths()) == 2


def test_teamtailor_goes_on_by_its_offset(web, host):
    items = [{**FEED["items"][0], "id": f"id-{number}"} for number in range(130)]
    web.json("/jobs.json", {**FEED, "items": items[:100]})
    web.json("/jobs.json?offset=100", {**FEED, "items": items[100:]})
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
    document = copy.deepcopy(FEED)
    document["items"][0]["url"] = written
    web.json("/jobs.json", document)
    assert list_board(host, "teamtailor", "acme").postings[0].url == leads


def test_teamtailor_a_bad_request_that_passes_is_asked_again(web, host):
    web.json("/jobs.json", FEED)
    web.replies["/jobs.json"] = [Reply(status=400), web.replies["/jobs.json"]]
    assert len(list_board(host, "teamtailor", "acme").postings) == 2


def test_teamtailor_nothing_behind_a_hundred_is_not_the_end_of_the_board(web, host):
    items = [{**FEED["items"][0], "id": f"id-{number}"} for number in range(100)]
    web.json("/jobs.json", {**FEED, "items": items})
    web.replies["/jobs.json?offset=100"] = Reply(status=404)
    listing = list_board(host, "teamtailor", "acme")
    assert len(listing.postings) == 100 and not listing.is_complete


def test_teamtailor_a_feed_that_says_that_it_goes_on_is_not_everything(web, host):
    web.json("/jobs.json", {**FEED, "next_url": "https://acme.teamtailor.com/jobs.json?page=2"})
    assert not list_board(host, "teamtailor", "acme").is_complete


def test_recruitee_what_an_offer_lacks_its_translations_have(web, host):
    translations = {
        "de": {"title": "Koch", "description": "<p>Kochen.</p>", "requirements": "<p>Herd.</p>"},
        "en": {"title": "Cook", "description": "<p>Cook.</p>"},
    }
    offer = {"id": 1, "slug": "cook", "title": None, "description": "", "translations": translations}
    web.json("/api/offers/", {"offers": [offer]})
    [posting] = list_board(host, "recruitee", "acme").postings
    assert (posting.title, posting.description, posting.requirements) == ("Cook", "Cook.", "Herd.")


def test_teamtailor_a_company_on_its_own_domain_is_told_as_moved(web, host):
    web.replies["/jobs.json"] = Reply(status=301, headers={"Location": "https://career.acme.example/jobs.json"})
    with pytest.raises(Moved) as told:
        list_board(host, "teamtailor", "acme")
    assert told.value.location == "https://career.acme.example/jobs.json"


def test_workable_a_posting_of_two_countries_is_one(web, host):
    web.json("/api/v1/widget/accounts/acme", ACCOUNT)
    listing = list_board(host, "workable", "acme")
    assert [posting.locations for posting in listing.postings][0] == ("Sevilla, Andalusia, Spain", "Portugal")
    assert listing.is_complete and listing.board_name == "Acme"


def test_workable_is_given_up_rather_than_waited_for(web, host):
    web.replies["/api/v1/widget/accounts/acme"] = Reply(status=429, headers={"Retry-After": "14400"})
    with pytest.raises(Throttled):
        list_board(host, "workable", "acme")
    assert len(web.paths()) == 1
