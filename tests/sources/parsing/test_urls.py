"""URLs: long ones are refused before they are split."""

import pytest

from app.sources.parsing import urls
from app.sources.parsing.urls import MAX_LINK_LENGTH, MAX_URL_LENGTH, is_web_address, link, resolved, split

BASE = "https://acme.example/"


def url_of(length: int) -> str:
    return BASE + "x" * (length - len(BASE))


def test_split_refuses_a_url_beyond_the_limit():
    assert split(f" {url_of(MAX_URL_LENGTH)} ").geturl() == url_of(MAX_URL_LENGTH)
    assert split(url_of(MAX_URL_LENGTH + 1)) is None


def test_is_web_address_refuses_a_long_link():
    assert is_web_address(url_of(MAX_LINK_LENGTH))
    assert not is_web_address(url_of(MAX_LINK_LENGTH + 1))


@pytest.mark.parametrize("text", ["../" * MAX_URL_LENGTH, "a" * 10_000, "www.acme." + "é" * 10_000])
def test_long_links_are_not_quoted_or_joined(text, monkeypatch):
    """Quoted, a text of 4 MB becomes one of 48 MB."""
    monkeypatch.setattr(urls, "quote", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(urls, "urljoin", lambda *_: 1 / 0)
    assert resolved(BASE, text) is None
    assert link(text, BASE) == BASE
    assert not is_web_address(text)
