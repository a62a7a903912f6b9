"""Any company's own website: from its robots.txt to its sitemaps, to pages with postings as schema.org describes them.

Documentation: https://www.sitemaps.org/protocol.html, https://schema.org/JobPosting
"""

from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from protego import Protego

from app.sources.boards import Board
from app.sources.jobposting import draft_of, employer, job_postings_on, own_identity
from app.sources.reading import Record, read_each
from app.sources.records import HTML, Answer, Draft, Page, Request, Source
from app.sources.sitemap import read_sitemap
from app.sources.urls import is_web_address, path_parts, split
from app.sources.values import unique

OF_JOBS = (
    *("job", "career", "position", "opening", "vacanc", "roles", "open-pos", "open-role", "open-job", "open-vac"),
    *("current-opening", "current-vac", "our-jobs", "work-with", "work-for", "work-at", "join-us", "hiring"),
    *("stelle", "offene-stelle", "karriere", "ausschreibung", "emploi", "offre", "carriere", "recrut", "recruit"),
    *("empleo", "trabaj", "vaga", "trabalh", "lavor", "posizion", "carrier", "vacatur", "werken", "rekrut", "praca"),
    *("kariera", "stilling", "ledig"),
)
"""What a part of a path begins with that speaks of jobs, in the languages of the boards read."""

SAFE = "/%:@!$&'()*+,;=~?"


def _first(_board: Board) -> Request:
    return Request("/robots.txt", accept="text/plain", may_be_missing=True)


def _read_robots(answer: Answer, board: Board) -> Page:
    """The sitemaps that it names; where it names none, the one that most have."""
    named = _paths(Protego.parse(answer.text()).sitemaps, answer, board)
    return Page((), more=_indexes(named or ("/sitemap.xml",)))


def _read_sitemap(answer: Answer, board: Board) -> Page:
    sitemap = read_sitemap(answer.body)
    paths = _paths(sitemap.addresses, answer, board)
    more = _indexes(paths) if sitemap.is_index else _pages(filter(_speaks_of_jobs, paths))
    return Page((), () if sitemap.is_whole else ("sitemap",), more=more)


def _read_page(answer: Answer, board: Board) -> Page:
    rows = job_postings_on(answer.text())
    if not rows:
        return Page((), passed=1)
    # The company's own address, also where another stands in for it.
    address = _page(board) + urlsplit(answer.url)._replace(scheme="", netloc="").geturl().removeprefix("/")
    is_alone = len(rows) == 1
    drafts, unread = read_each(rows, "JobPosting", lambda posting: _draft(posting, address, is_alone=is_alone))
    return Page(drafts, unread, board_name=employer(Record(rows[0], "JobPosting")), records=len(rows))


def _draft(posting: Record, address: str, *, is_alone: bool) -> Draft | None:
    own = _absolute(address, posting.maybe_text("url"))
    title = posting.maybe_text("title") or ""
    # Many sites write the address of their front page into each posting; the page's own tells one from the other.
    identity = own_identity(posting) or (address if is_alone else own or f"{address}#{quote(title, errors='replace')}")
    return draft_of(posting, own or address, identity)


def _absolute(address: str, link: str | None) -> str | None:
    try:
        found = urljoin(address, link) if link else None
    except ValueError:
        return None
    return found if found and is_web_address(found) else None


def _paths(addresses: Iterable[str], answer: Answer, board: Board) -> tuple[str, ...]:
    """The paths of the addresses that are on the same host."""
    hosts = (board.token, urlsplit(answer.url).netloc.lower())
    urls = (split(found) for address in addresses if (found := _absolute(answer.url, address)))
    return unique(
        quote(f"{url.path or '/'}{'?' if url.query else ''}{url.query}", safe=SAFE)
        for url in urls
        if url and url.netloc.lower() in hosts and ".." not in path_parts(url)
    )


def _speaks_of_jobs(path: str) -> bool:
    return any(part.lower().startswith(OF_JOBS) for part in path_parts(urlsplit(path)))


def _indexes(paths: Iterable[str]) -> tuple[Request, ...]:
    return tuple(Request(path, accept="application/xml", read=_read_sitemap, is_index=True) for path in paths)


def _pages(paths: Iterable[str]) -> tuple[Request, ...]:
    # Positions are filled and their pages taken off before the sitemap is written anew.
    return tuple(Request(path, accept=HTML, read=_read_page, may_be_missing=True) for path in paths)


def _page(board: Board) -> str:
    return f"https://{board.token}/"


SOURCE = Source(
    key="website",
    name="Company website",
    documentation="https://schema.org/JobPosting",
    policy="Its sitemaps and the data in its pages are there for programs, and its robots.txt is kept to.",
    example="https://careers.acme.com",
    board_hint="The whole name of the site's host, like careers.acme.com.",
    bases={"": ("WEBSITE_URL", "https://{token}")},
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
