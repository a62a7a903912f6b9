"""Peculiarities of Personio that the contract does not cover."""

import pytest

from app.sources.errors import NotFound
from app.sources.listing import list_board
from tests.sources.adapters.examples import PERSONIO
from tests.support.web import Reply


def test_personio_nested_name_is_not_used_as_the_title(web, http_client):
    nameless = PERSONIO.replace("<name>Rust &amp; Go Engineer</name>", "")
    web.replies["/xml"] = Reply(nameless.encode())
    listing = list_board(http_client, "personio", "acme")
    assert [posting.external_id for posting in listing.postings] == ["1101"]
    assert listing.unparsed == 2 and listing.is_complete


def test_personio_german_feed_is_skipped_if_english_is_complete(web, http_client):
    web.replies["/xml"] = Reply(PERSONIO.split("  <position>\n    <id>1101")[0].encode() + b"</workzag-jobs>")
    assert len(list_board(http_client, "personio", "acme").postings) == 1
    assert len(web.paths()) == 1


def test_personio_empty_feed_is_a_complete_listing(web, http_client):
    web.replies["/xml"] = Reply(b"<?xml version='1.0'?><workzag-jobs></workzag-jobs>")
    listing = list_board(http_client, "personio", "acme")
    assert listing.postings == () and listing.is_complete


def test_personio_feed_with_captcha_words_is_not_a_challenge_page(web, http_client):
    web.replies["/xml"] = Reply(PERSONIO.replace("Cake.", "Attention required! Captcha!").encode())
    assert len(list_board(http_client, "personio", "acme").postings) == 2


def test_personio_disabled_feed_is_not_found(web, http_client):
    web.replies["/xml"] = Reply(b"<html>Not found</html>", 404)
    with pytest.raises(NotFound):
        list_board(http_client, "personio", "acme")
