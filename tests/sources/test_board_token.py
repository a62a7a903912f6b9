"""Board tokens that are host names, and the keys of their rate limits."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import rate_limit_key, with_token


@pytest.mark.parametrize("key", ["recruitee", "teamtailor"])
def test_board_token_may_be_an_own_domain(key):
    source = SOURCES[key]
    board = source.board("Careers.Acme.example")
    assert str(board) == "careers.acme.example"
    assert source.page(board) == "https://careers.acme.example"
    assert with_token(source.bases[""], board) == "https://careers.acme.example"


def test_board_token_may_not_be_an_own_domain_for_other_sources():
    with pytest.raises(ValueError):
        SOURCES["personio"].board("careers.acme.example")


def test_rate_limit_key_is_the_host_or_the_host_template():
    assert rate_limit_key("https://{token}") == ""
    assert rate_limit_key("https://{token}.jobs.acorn.example") == "{token}.jobs.acorn.example"
    assert rate_limit_key("http://Mirror.example:8000") == "mirror.example:8000"
