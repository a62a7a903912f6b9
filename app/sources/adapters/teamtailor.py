"""Teamtailor: a JSON feed with schema.org postings, a hundred per page, often on the company's own domain.

Documentation: https://support.teamtailor.com/en/articles/11171756 (the feeds of a career site)
"""

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import SplitResult

from app.sources.board_token import Board, host_of
from app.sources.parsing.dates_and_places import parse_iso_datetime
from app.sources.parsing.jobposting import raw_posting_of
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import NO_COMPANY, resolved, token_before
from app.sources.types import Faults, ListingRequest, Page, Parsing, RawPosting, Response, Source, Text

DOMAIN = "teamtailor.com"
PAGE_SIZE = 100

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    host = url.hostname or ""
    # In some regions the host has an extra label (acme.na.teamtailor.com). The token is then the whole host.
    is_regional = host.count(".") > 2 and host.endswith(f".{DOMAIN}") and host.partition(".")[0] not in NO_COMPANY
    return token_before(DOMAIN, url) or (Board(host) if is_regional else None)


def _first_request(_board: Board) -> ListingRequest:
    return ListingRequest("/jobs.json")


def _next_request(_board: Board, offset: int, page: Page) -> ListingRequest | None:
    # A full page may be the last: the next is then empty. A 404 is accepted, but makes the listing incomplete.
    request = ListingRequest("/jobs.json", {"offset": str(offset)}, may_be_missing=True)
    return request if page.records == PAGE_SIZE else None


def _parse(response: Response, board: Board) -> Parsing:
    if response.status != HTTPStatus.OK:
        lost = Faults()
        lost.add("offset")
        return Page(lost)
    rows = JsonRows(response, "items")
    read = yield from parse_rows(rows, "items", lambda item: _posting(item, board), IDENTITY)
    document = Record(rows.rest, "")
    if document.optional_text("next_url") and read.records != PAGE_SIZE:
        # A short page with a next_url is not the last. The next page is not read, so it counts as unparsed.
        read.faults.add("next_url")
    return Page(read.faults, read.is_whole, board_name=document.optional_text("title"), records=read.records)


def _posting(item: Record, board: Board) -> RawPosting | None:
    identity, title = item.identity("id"), item.text("title")
    # On companies' own domains, links are sometimes relative.
    url = resolved(f"{_board_url(board)}/jobs", item.optional_text("url")) or f"{_board_url(board)}/jobs"
    raw = raw_posting_of(item.record("_jobposting"), url, identity, title)
    content = item.optional_text("content_html")
    if raw is None:
        return None
    return replace(
        raw,
        description=(Text(content),) if content else raw.description,
        posted_at=parse_iso_datetime(item.optional_text("date_published")) or raw.posted_at,
    )


def _board_url(board: Board) -> str:
    return f"https://{host_of(board, DOMAIN)}"


SOURCE = Source(
    key="teamtailor",
    name="Teamtailor",
    documentation="https://support.teamtailor.com/en/articles/11171756",
    policy="Teamtailor documents the feeds of its career sites as public.",
    example="https://acme.teamtailor.com",
    board_hint=(
        "The part before .teamtailor.com in the board's address, or the company's own domain if the board uses one."
    ),
    bases={"": "https://{token}.teamtailor.com"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    next_request=_next_request,
    pace_seconds=0.5,
    # Working feeds sometimes answer 400.
    retryable_statuses=frozenset({400}),
    fingerprints=("teamtailor-cdn.com",),
    suggested=(("career", "Teamtailor"), ("naffco", "NAFFCO")),
)
