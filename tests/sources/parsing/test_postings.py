"""Links of normalised postings."""

import pytest

from tests.sources.adapters.examples import GREENHOUSE, parse_record


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "/jobs/1", "data:text/html,x", "https://", "https://a:b@evil.example/", None, 7, ["x"]]
    + [f"https://acme.example/{'x' * 2000}"],
)
def test_posting_url_that_is_invalid_falls_back_to_the_board(url):
    posting = parse_record("greenhouse", GREENHOUSE["jobs"][0], absolute_url=url)
    assert posting.url == "https://job-boards.greenhouse.io/acme/jobs/4012345007"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("www.acme.example/jobs/1", "https://www.acme.example/jobs/1"),
        ("https://acme.example/a b", "https://acme.example/a%20b"),
        (" https://acme.example/über?x=ä ", "https://acme.example/%C3%BCber?x=%C3%A4"),
        ("https://acme.example/%20?a=b#c", "https://acme.example/%20?a=b#c"),
    ],
)
def test_posting_url_is_normalized(written, meant):
    assert parse_record("greenhouse", GREENHOUSE["jobs"][0], absolute_url=written).url == meant
