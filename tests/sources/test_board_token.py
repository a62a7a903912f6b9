"""Board tokens: hosts as tokens, and the key of their rate limit."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import rate_limit_key, with_token


@pytest.mark.parametrize("key", ["recruitee", "teamtailor"])
def test_a_companys_own_domain_is_a_boards_name_where_systems_have_that(key):
    source = SOURCES[key]
    board = source.board("Careers.Acme.example")
    assert str(board) == "careers.acme.example"
    assert source.page(board) == "https://careers.acme.example"
    assert with_token(source.bases[""], board) == "https://careers.acme.example"


def test_where_systems_have_not_it_is_none():
    with pytest.raises(ValueError):
        SOURCES["personio"].board("careers.acme.example")


def test_each_site_has_turns_of_its_own_and_a_mirror_of_all_has_one_for_all():
    assert rate_limit_key("https://{token}") == ""
    assert rate_limit_key("https://{token}.jobs.acorn.example") == "{token}.jobs.acorn.example"
    assert rate_limit_key("http://Mirror.example:8000") == "mirror.example:8000"
