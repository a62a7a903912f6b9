"""Peculiarities of Workable that the contract does not cover."""

import pytest

from app.sources.errors import Throttled
from app.sources.listing import list_board
from tests.sources.adapters.examples import WORKABLE
from tests.support.web import Reply


def test_workable_posting_listed_per_country_is_merged(web, http_client):
    web.json("/api/v1/widget/accounts/acme", WORKABLE)
    listing = list_board(http_client, "workable", "acme")
    assert [posting.locations for posting in listing.postings][0] == ("Sevilla, Andalusia, Spain", "Portugal")
    assert listing.is_complete and listing.board_name == "Acme"


def test_workable_long_retry_after_is_not_waited_out(web, http_client):
    web.replies["/api/v1/widget/accounts/acme"] = Reply(status=429, headers={"Retry-After": "14400"})
    with pytest.raises(Throttled):
        list_board(http_client, "workable", "acme")
    assert len(web.paths()) == 1
