"""A company's page: its boards, its links to openings, and the fingerprints of sources."""

from urllib.parse import urlsplit

import pytest

from app.sources import careers_page
from app.sources.careers_page import boards_on, match_fingerprints, openings_on

HERE = "https://acme.example/careers"
TEAMTAILOR_PAGE = b"<link rel=stylesheet href='https://assets-aws.teamtailor-cdn.com/x.css'>"


def found_boards(page: str) -> list[str]:
    return [f"{found.source.key} {found.board}" for found in boards_on(page.encode(), HERE)]


def found_openings(page: str, here: str = "https://www.acme.com/about") -> list[str]:
    return [url.geturl() for url in openings_on(page.encode(), urlsplit(here))]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<a href='https://jobs.lever.co/acme?team=x'>Jobs</a>", ["lever acme"]),
        ("<a href='//jobs.ashbyhq.com/acme/123'>", ["ashby acme"]),
        ("<iframe src='https://boards.greenhouse.io/embed/job_board?for=acme&amp;b=x'></iframe>", ["greenhouse acme"]),
        ("<div data-url='https://jobs.eu.lever.co/acme'></div>", ["lever eu:acme"]),
        ('<script>var u = "https://boards-api.greenhouse.io/v1/boards/acme/jobs";</script>', ["greenhouse acme"]),
        (r'<script>{"u":"https:\/\/api.ashbyhq.com\/posting-api\/job-board\/acme"}</script>', ["ashby acme"]),
        ("<meta property='og:url' content='https://jobs.lever.co/acme'>", ["lever acme"]),
        ("<a href='https://jobs.lever.co/'>", []),
        ("<a href='https://www.lever.co/privacy'>", []),
        ("<p>https://jobs.lever.co/acme in words alone</p>", []),
        ("<!-- <a href='https://jobs.lever.co/old'> --><a href='https://jobs.lever.co/new'>", ["lever new"]),
        ("<a href='https://jobs.lever.co/Acme'><a href='https://jobs.lever.co/acme'>", ["lever Acme"]),
        (r'<script>"https:\u002F\u002Fjobs.ashbyhq.com\u002Facme"</script>', ["ashby acme"]),
        ("<a data-href='https://jobs.lever.co/acme'>", ["lever acme"]),
        ("<script>s.indexOf('<!--');</script><a href='https://jobs.lever.co/acme'>", ["lever acme"]),
        ("<script src=https://boards.greenhouse.io/embed/job_board/js?for=acme></script>", ["greenhouse acme"]),
        ("<a href='https://boards.greenhouse.io/%2e%2e/x'>", []),
    ],
)
def test_boards_on_finds_the_boards_a_page_links_to(page, found):
    assert found_boards(page) == found


@pytest.mark.parametrize("piece", ["<div>", "<a href='", "<script>", "<script", "<!--", "href=x ", "'", "<", "https:"])
def test_boards_on_takes_linear_time(piece):
    assert found_boards(f"<a href='https://jobs.lever.co/acme'>x</a>{piece * 300_000}") == ["lever acme"]


@pytest.mark.parametrize(
    "page",
    ["<a src='http://['>%s<a href='https://jobs.lever.co/acme'>", "<script>'https://[/'%s'https://jobs.lever.co/acme'"],
    ids=["attributes", "scripts"],
)
def test_boards_on_examines_a_limited_number_of_candidates(page, monkeypatch):
    """Text that is not a URL counts too, because it costs as much."""
    monkeypatch.setattr(careers_page, "MAX_CANDIDATES", 5)
    filler = "<a src='http://['>" if page.startswith("<a") else "'https://[/'"
    assert found_boards(page % (filler * 3)) == ["lever acme"]
    assert found_boards(page % (filler * 4)) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_match_fingerprints_needs_a_host_name_and_a_mark(host):
    assert match_fingerprints(TEAMTAILOR_PAGE, host) == []
    assert match_fingerprints(b"<p>teamtailor</p>", "careers.acme.com") == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<a href='/open-roles'>See all</a>", ["https://www.acme.com/open-roles"]),
        ("<a href='/x'>View openings</a>", ["https://www.acme.com/x"]),
        ("<a href='/de/stellenangebote'>Mehr</a>", ["https://www.acme.com/de/stellenangebote"]),
        ("<a href='https://careers.acme.com'>Mehr</a>", ["https://careers.acme.com"]),
        ("<a href='https://acme.com/x'>Karriere</a>", ["https://acme.com/x"]),
        ("<a href='/x'>Careers</a><a href='/jobs'>Jobs</a>", ["https://www.acme.com/jobs", "https://www.acme.com/x"]),
        ("<a href='/jobs'>Jobs</a><a href='/jobs#top'>Jobs</a>", ["https://www.acme.com/jobs"]),
        ("<a href='#jobs'>Jobs</a><a href='https://www.acme.com/about'>Jobs</a>", []),
        ("<a href='https://evilacme.com/jobs'>Jobs</a><a href='https://acme.com.evil.example/jobs'>Jobs</a>", []),
        ("<a href='mailto:jobs@acme.com'>Jobs</a><a href='javascript:jobs()'>Jobs</a><a href='http://['>Jobs</a>", []),
        ("<a href='/steve'>About Steve</a><a>Jobs</a><a href=''>Jobs</a>", []),
    ],
)
def test_openings_on_finds_links_to_openings_on_the_site(page, found):
    assert found_openings(page) == found


def test_openings_on_respects_two_part_country_domains():
    page = "<a href='https://jobs.acme.co.uk/'>Jobs</a><a href='https://jobs.other.co.uk/'>Jobs</a>"
    assert found_openings(page, "https://www.acme.co.uk/") == ["https://jobs.acme.co.uk/"]
