"""Peculiarities of Recruitee that the contract does not cover."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.errors import Forbidden
from app.sources.listing import list_board
from tests.sources.adapters.examples import RECRUITEE, parse_record
from tests.support.web import Reply


def test_recruitee_board_must_be_a_host_label():
    source = SOURCES["recruitee"]
    assert source.valid_board("Acme-2") == "acme-2"
    assert source.board_page("acme") == "https://acme.recruitee.com"
    for name in ("jobs.1", "Acme Labs", "acme_labs", "@evil", "127.0.0.1"):
        with pytest.raises(ValueError):
            source.board(name)


def test_recruitee_401_reports_that_a_token_is_needed(web, http_client):
    """From 10 February 2027 Recruitee requires a token; before that, a company may require one."""
    web.replies["/api/offers/"] = Reply(status=401)
    with pytest.raises(Forbidden, match="^Recruitee's board acme needs the employer's token"):
        list_board(http_client, "recruitee", "acme")


def test_recruitee_mailbox_email_is_not_stored(web, http_client):
    web.json("/api/offers/", RECRUITEE)
    assert all("mailbox_email" in offer for offer in RECRUITEE["offers"][:2])
    assert "@" not in repr(list_board(http_client, "recruitee", "acme").postings)


def test_recruitee_board_name_comes_from_the_offers(web, http_client):
    web.json("/api/offers/", RECRUITEE)
    assert list_board(http_client, "recruitee", "acme").board_name == "Acme"


@pytest.mark.parametrize("value", ["2026-05-04 09:00:00 UTC", "2026-05-04T11:00:00+02:00", "2026-05-04T09:00:00Z"])
def test_recruitee_posted_at_accepts_every_zone_notation(value):
    posting = parse_record("recruitee", RECRUITEE["offers"][0], published_at=value)
    assert posting.posted_at.isoformat() == "2026-05-04T09:00:00+00:00"


@pytest.mark.parametrize("value", ["2026-05-04 09:00:00 CET", "UTC", " UTC", "yesterday", None])
def test_recruitee_invalid_posted_at_is_ignored(value):
    assert parse_record("recruitee", RECRUITEE["offers"][0], published_at=value).posted_at is None


@pytest.mark.parametrize(
    ("flagged", "workplace"),
    [
        (["remote"], "remote"),
        (["hybrid"], "hybrid"),
        (["on_site"], "on_site"),
        (["remote", "on_site"], None),
        (["remote", "hybrid", "on_site"], None),
        ([], None),
    ],
    ids=lambda value: " and ".join(value) or "none" if isinstance(value, list) else str(value),
)
def test_recruitee_workplace_needs_exactly_one_flag(flagged, workplace):
    flags = {name: name in flagged for name in ("remote", "hybrid", "on_site")}
    assert parse_record("recruitee", RECRUITEE["offers"][0], **flags).workplace == workplace


def test_recruitee_translations_are_not_appended():
    posting = parse_record("recruitee", RECRUITEE["offers"][0])
    assert "Taarten" not in posting.description and "ervaring" not in posting.requirements


def test_recruitee_requirements_are_found_by_their_heading():
    text = "<p>Drive.</p><h3>Your profile</h3><p>A licence</p>"
    posting = parse_record("recruitee", RECRUITEE["offers"][1], description=text)
    assert (posting.description, posting.requirements) == ("Drive.", "Your profile\n\nA licence")


def test_recruitee_slug_is_escaped_in_the_link():
    link = parse_record("recruitee", RECRUITEE["offers"][0], careers_url=None, slug="../x?y#z").url
    assert link == "https://acme.recruitee.com/o/..%2Fx%3Fy%23z"


def test_recruitee_missing_fields_come_from_translations(web, http_client):
    translations = {
        "de": {"title": "Koch", "description": "<p>Kochen.</p>", "requirements": "<p>Herd.</p>"},
        "en": {"title": "Cook", "description": "<p>Cook.</p>"},
    }
    offer = {"id": 1, "slug": "cook", "title": None, "description": "", "translations": translations}
    web.json("/api/offers/", {"offers": [offer]})
    [posting] = list_board(http_client, "recruitee", "acme").postings
    assert (posting.title, posting.description, posting.requirements) == ("Cook", "Cook.", "Herd.")
