"""Any company's own website: from its robots.txt to its sitemaps, and to pages with schema.org postings.

Documentation: https://www.sitemaps.org/protocol.html, https://schema.org/JobPosting
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import SplitResult, quote, urlsplit

from app.sources.board_token import Board
from app.sources.parsing.jobposting import employer, job_postings_on, own_identity, raw_posting_of
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.robots_txt import sitemaps_in
from app.sources.parsing.sitemap import read_sitemap
from app.sources.parsing.urls import path_parts, resolved, split
from app.sources.types import HTML, Faults, ListingRequest, Page, Parsing, RawPosting, Response, Source

JOB_PREFIXES = (
    *("job", "career", "position", "opening", "vacanc", "roles", "open-pos", "open-role", "open-job", "open-vac"),
    *("current-opening", "current-vac", "our-jobs", "work-with", "work-for", "work-at", "join-us", "hiring"),
    *("stelle", "offene-stelle", "karriere", "ausschreibung", "emploi", "offre", "carriere", "recrut", "recruit"),
    *("empleo", "trabaj", "vaga", "trabalh", "lavor", "posizion", "carrier", "vacatur", "werken", "rekrut", "praca"),
    *("kariera", "stilling", "ledig"),
)
"""Prefixes of words in the paths of job pages, in the languages of the boards that were examined."""

SAFE = "/%:@!$&'()*+,;=~?"

ADDRESSES_PER_CHECK = 500
"""The deadline is checked each time so many addresses of a sitemap were looked at."""


def _first_request(_board: Board) -> ListingRequest:
    return ListingRequest("/robots.txt", accept="text/plain", may_be_missing=True)


def _read_robots(response: Response, board: Board) -> Parsing:
    """Request the sitemaps that robots.txt names, or else ``/sitemap.xml``."""
    addresses, is_whole = sitemaps_in(response.body.decode("utf-8-sig", "replace"))
    here, elsewhere = _paths(addresses, response, board)
    lost = () if is_whole else ("sitemaps of robots.txt",)
    yield from ()
    return Page(_faults(elsewhere, *lost), follow_up=_indexes(here or ("/sitemap.xml",)))


def _read_sitemap(response: Response, board: Board) -> Parsing:
    """Request the sitemaps of an index, or the job pages of a sitemap."""
    sitemap = read_sitemap(response.body, response.deadline)
    here, elsewhere = _paths(sitemap.addresses, response, board)
    lost = () if sitemap.is_whole else ("sitemap",)
    yield from ()
    if sitemap.is_index:
        return Page(_faults(elsewhere, *lost), follow_up=_indexes(here))
    wanted = [path for path, is_job in here.items() if is_job]
    if board.token.startswith(JOB_PREFIXES):
        # A host like jobs.acme.com may have its postings under any path.
        wanted += [path for path, is_job in here.items() if not is_job]
    return Page(_faults((path for path, is_job in elsewhere.items() if is_job), *lost), follow_up=_pages(wanted))


def _faults(elsewhere: Iterable[str], *more: str) -> Faults:
    """Return the faults for addresses on other hosts. These are not requested, so the listing is incomplete."""
    faults = Faults()
    faults.add(*more)
    for path in elsewhere:
        faults.add(f"sitemap: {path}")
    return faults


def _read_page(response: Response, board: Board) -> Parsing:
    """Parse the postings of a web page."""
    rows = job_postings_on(response.text())
    if not rows:
        return Page(skipped_pages=1)
    # The URL on the company's own host, even if the operator has replaced the base address.
    address = _board_url(board) + urlsplit(response.url)._replace(scheme="", netloc="").geturl().removeprefix("/")
    is_alone = len(rows) == 1
    read = yield from parse_rows(
        rows,
        "JobPosting",
        lambda record: _posting(record, address, is_alone=is_alone),
        lambda record: _identities(record, address, is_alone=is_alone),
        may_be_rubbish=True,
    )
    name = employer(read.first) if read.first else None
    fault = read.first_fault if read.is_rubbish else None
    return Page(read.faults, read.is_whole, board_name=name, records=read.records, first_fault=fault)


def _posting(record: Record, address: str, *, is_alone: bool) -> RawPosting | None:
    own = _own_address(record, address, is_alone=is_alone)
    title = record.optional_text("title") or ""
    # Many sites write the URL of their front page into each posting. Then only the page's own URL is unique.
    identity = own_identity(record) or (address if is_alone else own or f"{address}#{quote(title, errors='replace')}")
    return raw_posting_of(record, own or address, identity)


def _identities(record: Record, address: str, *, is_alone: bool) -> tuple[str | None, ...]:
    """Return the id of a posting, and its URL, which is its id if another page has the same one."""
    own = _own_address(record, address, is_alone=is_alone)
    identity = own_identity(record) or (address if is_alone else own)
    return identity, identity and (own or address)


def _own_address(record: Record, address: str, *, is_alone: bool) -> str | None:
    """Return the URL that a posting names. One alone on its page may name the site's front page, which says nothing."""
    own = resolved(address, record.optional_text("url"))
    return None if own and urlsplit(own).path in ("", "/") and is_alone else own


def _paths(addresses: Iterable[str], response: Response, board: Board) -> tuple[dict[str, bool], dict[str, bool]]:
    """Return the paths of the addresses on this host, and on other hosts, which are not requested.

    Each path has the information if it looks like that of a job page.
    """
    hosts = (board.token, urlsplit(response.url).netloc.lower())
    here: dict[str, bool] = {}
    elsewhere: dict[str, bool] = {}
    for number, address in enumerate(addresses):
        if number % ADDRESSES_PER_CHECK == 0:
            response.deadline.check()
        found = resolved(response.url, address)
        url = split(found) if found else None
        if url and ".." not in path_parts(url):
            paths, path = here if url.netloc.lower() in hosts else elsewhere, _path(url)
            paths[path] = paths.get(path) or _is_job_path(path)
    return here, elsewhere


def _path(url: SplitResult) -> str:
    return quote(f"{url.path or '/'}{'?' if url.query else ''}{url.query}", safe=SAFE)


def _is_job_path(path: str) -> bool:
    parts = [part.lower() for part in path_parts(urlsplit(path))]
    words = [word for part in parts for word in (part, *re.split("[-_]", part))]
    return any(word.startswith(JOB_PREFIXES) for word in words)


def _indexes(paths: Iterable[str]) -> Iterator[ListingRequest]:
    return (ListingRequest(path, accept="application/xml", read=_read_sitemap, is_index=True) for path in paths)


def _pages(paths: Iterable[str]) -> Iterator[ListingRequest]:
    # Pages of filled positions are removed before the sitemap is updated.
    return (ListingRequest(path, accept=HTML, read=_read_page, may_be_missing=True, is_leaf=True) for path in paths)


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
