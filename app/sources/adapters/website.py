"""Any company's own website: from its robots.txt to its sitemaps, to pages with postings as schema.org describes them.

Documentation: https://www.sitemaps.org/protocol.html, https://schema.org/JobPosting
"""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, urlsplit

from protego import Protego

from app.sources.board_token import Board
from app.sources.parsing.jobposting import draft_of, employer, job_postings_on, own_identity
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.sitemap import read_sitemap
from app.sources.parsing.urls import path_parts, resolved, split
from app.sources.parsing.values import unique
from app.sources.types import HTML, ListingRequest, Page, RawPosting, Response, Source

OF_JOBS = (
    *("job", "career", "position", "opening", "vacanc", "roles", "open-pos", "open-role", "open-job", "open-vac"),
    *("current-opening", "current-vac", "our-jobs", "work-with", "work-for", "work-at", "join-us", "hiring"),
    *("stelle", "offene-stelle", "karriere", "ausschreibung", "emploi", "offre", "carriere", "recrut", "recruit"),
    *("empleo", "trabaj", "vaga", "trabalh", "lavor", "posizion", "carrier", "vacatur", "werken", "rekrut", "praca"),
    *("kariera", "stilling", "ledig"),
)
"""What a part of a path begins with that speaks of jobs, in the languages of the boards read."""

SAFE = "/%:@!$&'()*+,;=~?"


def _first(_board: Board) -> ListingRequest:
    return ListingRequest("/robots.txt", accept="text/plain", may_be_missing=True)


def _read_robots(answer: Response, board: Board) -> Page:
    """The sitemaps that it names; where it names none, the one that most have."""
    named, elsewhere = _paths(Protego.parse(answer.text()).sitemaps, answer, board)
    return Page((), _unread(elsewhere), more=_indexes(named or ("/sitemap.xml",)))


def _read_sitemap(answer: Response, board: Board) -> Page:
    sitemap = read_sitemap(answer.body)
    paths, elsewhere = _paths(sitemap.addresses, answer, board)
    lost = () if sitemap.is_whole else ("sitemap",)
    if sitemap.is_index:
        return Page((), (*lost, *_unread(elsewhere)), more=_indexes(paths))
    wanted = [path for path in paths if _speaks_of_jobs(path)]
    if board.token.startswith(OF_JOBS):
        # A host that is there for jobs alone need not say so in every path.
        wanted = [*wanted, *(path for path in paths if not _speaks_of_jobs(path))]
    return Page((), (*lost, *_unread(filter(_speaks_of_jobs, elsewhere))), more=_pages(wanted))


def _unread(paths: Iterable[str]) -> tuple[str, ...]:
    """What stands on another host is not asked for there, and is not everything without it."""
    return tuple(f"sitemap: {path}" for path in paths)


def _read_page(answer: Response, board: Board) -> Page:
    rows = job_postings_on(answer.text())
    if not rows:
        return Page((), passed=1)
    # The company's own address, also where another stands in for it.
    address = _page(board) + urlsplit(answer.url)._replace(scheme="", netloc="").geturl().removeprefix("/")
    is_alone = len(rows) == 1
    drafts, unread = parse_rows(rows, "JobPosting", lambda posting: _draft(posting, address, is_alone=is_alone))
    return Page(drafts, unread, board_name=employer(Record(rows[0], "JobPosting")), records=len(rows), is_leaf=True)


def _draft(posting: Record, address: str, *, is_alone: bool) -> RawPosting | None:
    own = resolved(address, posting.maybe_text("url"))
    if own and urlsplit(own).path in ("", "/") and is_alone:
        own = None
    title = posting.maybe_text("title") or ""
    # Many sites write the address of their front page into each posting; the page's own tells one from the other.
    identity = own_identity(posting) or (address if is_alone else own or f"{address}#{quote(title, errors='replace')}")
    return draft_of(posting, own or address, identity)


def _paths(addresses: Iterable[str], answer: Response, board: Board) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of the addresses that are on the same host, and those of the others, which are not asked for."""
    hosts = (board.token, urlsplit(answer.url).netloc.lower())
    urls = [split(found) for address in addresses if (found := resolved(answer.url, address))]
    tame = [url for url in urls if url and ".." not in path_parts(url)]
    here = (url for url in tame if url.netloc.lower() in hosts)
    return unique(map(_path, here)), unique(_path(url) for url in tame if url.netloc.lower() not in hosts)


def _path(url: SplitResult) -> str:
    return quote(f"{url.path or '/'}{'?' if url.query else ''}{url.query}", safe=SAFE)


def _speaks_of_jobs(path: str) -> bool:
    parts = [part.lower() for part in path_parts(urlsplit(path))]
    words = [word for part in parts for word in (part, *re.split("[-_]", part))]
    return any(word.startswith(OF_JOBS) for word in words)


def _indexes(paths: Iterable[str]) -> tuple[ListingRequest, ...]:
    return tuple(ListingRequest(path, accept="application/xml", read=_read_sitemap, is_index=True) for path in paths)


def _pages(paths: Iterable[str]) -> tuple[ListingRequest, ...]:
    # Positions are filled and their pages taken off before the sitemap is written anew.
    return tuple(ListingRequest(path, accept=HTML, read=_read_page, may_be_missing=True) for path in paths)


def _page(board: Board) -> str:
    return f"https://{board.token}/"


SOURCE = Source(
    key="website",
    name="Company website",
    documentation="https://schema.org/JobPosting",
    policy="Its sitemaps and the data in its pages are there for programs, and its robots.txt is kept to.",
    example="https://careers.acme.com",
    board_hint="The whole name of the site's host, like careers.acme.com.",
    bases={"": "https://{token}"},
    # Any site may be one: whether it is shows only when it is looked at.
    recognise=lambda _url: None,
    page=_page,
    first=_first,
    parse=_read_robots,
    pace_seconds=0.5,
    most_requests=250,
    most_indexes=20,
    refusals={404: "has no sitemap, without which its postings cannot be found."},
)
