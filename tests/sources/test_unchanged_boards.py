"""Boards that have not changed, by the hash of their body, and the validators that are kept."""

import hashlib

import pytest

from app.sources.errors import ShapeChanged
from app.sources.listing import list_board
from app.sources.types import Validators
from tests.support.web import Reply

ACME = "/v1/boards/acme/jobs"
JOBS = {"jobs": [{"id": 1, "title": "Baker"}]}


def test_listing_with_the_same_body_is_not_modified(web, http_client):
    web.json(ACME, JOBS)
    first = list_board(http_client, "greenhouse", "acme")
    assert first.validators == Validators(body_hash=hashlib.sha256(web.replies[ACME].body).digest())
    again = list_board(http_client, "greenhouse", "acme", first.validators)
    assert again.not_modified and again.validators == first.validators and again.postings == ()


def test_listing_with_another_body_is_read(web, http_client):
    web.json(ACME, JOBS)
    validators = list_board(http_client, "greenhouse", "acme").validators
    web.json(ACME, {"jobs": [{"id": 1, "title": "Cook"}]})
    again = list_board(http_client, "greenhouse", "acme", validators)
    assert not again.not_modified and again.count == 1 and again.validators != validators


def test_body_hash_is_compared_before_the_body_is_parsed(web, http_client):
    web.replies[ACME] = Reply(b"rubbish")
    with pytest.raises(ShapeChanged):
        list_board(http_client, "greenhouse", "acme", Validators())
    same = Validators(body_hash=hashlib.sha256(b"rubbish").digest())
    assert list_board(http_client, "greenhouse", "acme", same).not_modified


def test_listing_with_only_a_hash_sends_no_conditional_header(web, http_client):
    web.json(ACME, JOBS)
    list_board(http_client, "greenhouse", "acme", Validators(body_hash=b"x" * 32))
    assert not {"if-none-match", "if-modified-since"} & set(web.requests[-1].headers)


def test_listing_with_the_same_body_has_the_newest_headers(web, http_client):
    web.json(ACME, JOBS, headers={"ETag": '"v1"'})
    first = list_board(http_client, "greenhouse", "acme").validators
    web.json(ACME, JOBS, headers={"ETag": '"v2"'})
    again = list_board(http_client, "greenhouse", "acme", first)
    assert again.not_modified and again.validators == Validators('"v2"', None, first.body_hash)


def test_listing_with_several_pages_has_no_validators(web, http_client):
    web.json("/v0/postings/acme?mode=json&skip=0&limit=100", [{"id": str(n), "text": "x"} for n in range(100)])
    web.json("/v0/postings/acme?mode=json&skip=100&limit=100", [])
    assert list_board(http_client, "lever", "acme").validators == Validators()
