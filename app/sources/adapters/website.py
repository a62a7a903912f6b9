"""Any company's own website: from its robots.txt to its sitemaps, and to pages with schema.org postings.

Documentation: https://www.sitemaps.org/protocol.html, https://schema.org/JobPosting
"""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, quote, urlsplit

from app.sources.board_token import Board
from app.sources.parsing.dates_and_places import unique
from app.sources.parsing.jobposting import employer, job_postings_on, own_identity, raw_posting_of
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.robots_txt import sitemaps_in
from app.sources.parsing.sitemap import read_sitemap
from app.sources.parsing.urls import path_parts, resolved, split
from app.sources.types import HTML, ListingRequest, Page, RawPosting, Response, Source

JOB_PREFIXES = (
    *("job", "career", "position", "opening", "vacanc", "roles", "open-pos", "open-role", "open-job", "open-vac"),
    *("current-opening", "current-vac", "our-jobs", "work-with", "work-for", "work-at", "join-us", "hiring"),
    *("stelle", "offene-stelle", "karriere", "ausschreibung", "emploi", "offre", "carriere", "recrut", "recruit"),
    *("empleo", "trabaj", "vaga", "trabalh", "lavor", "posizion", "carrier", "vacatur", "werken", "rekrut", "praca"),
    *("kariera", "stilling", "ledig"),
)
"""Prefixes of words in the paths of job pages, in the languages of the boards that were examined."""

SAFE = "/%:@!$&'()*+,;=~?"


def _first_request(_board: Board) -> ListingRequest:
    return ListingRequest("/robots.txt", accept="text/plain", may_be_missing=True)


def _read_robots(response: Response, board: Board) -> Page:
    """Request the sitemaps that robots.txt names, or else ``/sitemap.xml``."""
    addresses, is_whole = sitemaps_in(response.body.decode("utf-8-sig", "replace"))
    paths, elsewhere = _paths(addresses, response, board)
    lost = () if is_whole else ("sitemaps of robots.txt",)
    return Page((), (*lost, *_unparsed(elsewhere)), follow_up=_indexes(paths or ("/sitemap.xml",)))


def _read_sitemap(response: Response, board: Board) -> Page:
    """Request the sitemaps of an index, or the job pages of a sitemap."""
    sitemap = read_sitemap(response.body)
    paths, elsewhere = _paths(sitemap.addresses, response, board)
    lost = () if sitemap.is_whole else ("sitemap",)
    if sitemap.is_index:
        return Page((), (*lost, *_unparsed(elsewhere)), follow_up=_indexes(paths))
    wanted = [path for path in paths if _is_job_path(path)]
    if board.token.startswith(JOB_PREFIXES):
        # A host like jobs.acme.com may have its postings under any path.
        wanted = [*wanted, *(path for path in paths if not _is_job_path(path))]
    return Page((), (*lost, *_unparsed(filter(_is_job_path, elsewhere))), follow_up=_pages(wanted))


def _unparsed(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the faults for addresses on other hosts. These are not requested, so the listing is incomplete."""
    return tuple(f"sitemap: {path}" for path in paths)


def _read_page(response: Response, board: Board) -> Page:
    """Parse the postings of a web page."""
    rows = job_postings_on(response.text())
    if not rows:
        return Page((), skipped_pages=1)
    # The URL on the company's own host, even if the operator has replaced the base address.
    address = _board_url(board) + urlsplit(response.url)._replace(scheme="", netloc="").geturl().removeprefix("/")
    is_alone = len(rows) == 1
    postings, unparsed = parse_rows(rows, "JobPosting", lambda record: _posting(record, address, is_alone=is_alone))
    return Page(postings, unparsed, board_name=employer(Record(rows[0], "JobPosting")), records=len(rows), is_leaf=True)


def _posting(record: Record, address: str, *, is_alone: bool) -> RawPosting | None:
    own = resolved(address, record.optional_text("url"))
    if own and urlsplit(own).path in ("", "/") and is_alone:
        own = None
    title = record.optional_text("title") or ""
    # Many sites write the URL of their front page into each posting. Then only the page's own URL is unique.
    identity = own_identity(record) or (address if is_alone else own or f"{address}#{quote(title, errors='replace')}")
    return raw_posting_of(record, own or address, identity)


def _paths(addresses: Iterable[str], response: Response, board: Board) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of the addresses on this host, and the paths on other hosts, which are not requested."""
    hosts = (board.token, urlsplit(response.url).netloc.lower())
    urls = [split(found) for address in addresses if (found := resolved(response.url, address))]
    safe = [url for url in urls if url and ".." not in path_parts(url)]
    here = (url for url in safe if url.netloc.lower() in hosts)
    return unique(map(_path, here)), unique(_path(url) for url in safe if url.netloc.lower() not in hosts)


def _path(url: SplitResult) -> str:
    return quote(f"{url.path or '/'}{'?' if url.query else ''}{url.query}", safe=SAFE)


def _is_job_path(path: str) -> bool:
    parts = [part.lower() for part in path_parts(urlsplit(path))]
    words = [word for part in parts for word in (part, *re.split("[-_]", part))]
    return any(word.startswith(JOB_PREFIXES) for word in words)


def _indexes(paths: Iterable[str]) -> tuple[ListingRequest, ...]:
    return tuple(ListingRequest(path, accept="application/xml", read=_read_sitemap, is_index=True) for path in paths)


def _pages(paths: Iterable[str]) -> tuple[ListingRequest, ...]:
    # Pages of filled positions are removed before the sitemap is updated.
    return tuple(ListingRequest(path, accept=HTML, read=_read_page, may_be_missing=True) for path in paths)


def _board_url(board: Board) -> str:
    return f"https://{board.token}/"


SOURCE = Source(
    key="website",
    name="Company website",
    documentation="https://schema.org/JobPosting",
    policy="Its sitemaps and the data in its pages are published for programs, and its robots.txt is obeyed.",
    example="https://careers.acme.com",
    board_hint="The whole host name of the site, like careers.acme.com.",
    bases={"": "https://{token}"},
    # Any URL may belong to a website with postings. Only a listing can prove it.
    match_url=lambda _url: None,
    page=_board_url,
    first_request=_first_request,
    parse=_read_robots,
    pace_seconds=0.5,
    max_requests=250,
    max_indexes=20,
    error_messages={404: "has no sitemap, so its postings cannot be found."},
)
