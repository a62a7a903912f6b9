"""Teamtailor: a JSON feed with schema.org postings, a hundred at a time, often on the company's own domain.

Documentation: https://support.teamtailor.com/en/articles/11171756 (the feeds of a career site)
"""

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import SplitResult

from app.sources.board_token import Board, site_of
from app.sources.parsing.jobposting import draft_of
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import NO_COMPANY, resolved, token_before
from app.sources.parsing.values import iso_moment
from app.sources.types import ListingRequest, Page, RawPosting, Response, Source, Text

DOMAIN = "teamtailor.com"
LIMIT = 100


def _recognise(url: SplitResult) -> Board | None:
    host = url.hostname or ""
    # Some regions have a part of their own between the name and the domain; then the whole host is the name.
    is_regional = host.count(".") > 2 and host.endswith(f".{DOMAIN}") and host.partition(".")[0] not in NO_COMPANY
    return token_before(DOMAIN, url) or (Board(host) if is_regional else None)


def _request(_board: Board, offset: int = 0) -> ListingRequest:
    # Behind the end of a list there may be an empty one, or nothing.
    return ListingRequest("/jobs.json", {"offset": str(offset)} if offset else {}, may_be_missing=offset > 0)


def _following(board: Board, offset: int, page: Page) -> ListingRequest | None:
    return _request(board, offset) if page.records == LIMIT else None


def _parse(answer: Response, board: Board) -> Page:
    if answer.status != HTTPStatus.OK:
        return Page((), ("offset",))
    document = Record(answer.json(), "")
    rows = document.rows("items")
    drafts, unread = parse_rows(rows, "items", lambda item: _draft(item, board))
    # A feed that says where it goes on, though it is no full page, is not everything.
    more = ("next_url",) if document.maybe_text("next_url") and len(rows) != LIMIT else ()
    return Page(drafts, (*unread, *more), board_name=document.maybe_text("title"), records=len(rows))


def _draft(item: Record, board: Board) -> RawPosting | None:
    identity, title = item.identity("id"), item.text("title")
    # On companies' own domains links are now and then written without the host.
    url = resolved(f"{_page(board)}/jobs", item.maybe_text("url")) or f"{_page(board)}/jobs"
    found = draft_of(item.record("_jobposting"), url, identity, title)
    content = item.maybe_text("content_html")
    if found is None:
        return None
    return replace(
        found,
        description=(Text(content),) if content else found.description,
        posted_at=iso_moment(item.maybe_text("date_published")) or found.posted_at,
    )


def _page(board: Board) -> str:
    return f"https://{site_of(board, DOMAIN)}"


SOURCE = Source(
    key="teamtailor",
    name="Teamtailor",
    documentation="https://support.teamtailor.com/en/articles/11171756",
    policy="The feeds of its career sites are documented as publicly available.",
    example="https://acme.teamtailor.com",
    board_hint="What stands before .teamtailor.com in the address of the board, or the company's own domain for it.",
    bases={"": "https://{token}.teamtailor.com"},
    recognise=_recognise,
    page=_page,
    first=_request,
    parse=_parse,
    following=_following,
    pace_seconds=0.5,
    # Healthy feeds have been seen to answer so now and then.
    passing=frozenset({400}),
    markers=("teamtailor-cdn.com",),
    starters=(("career", "Teamtailor"), ("naffco", "NAFFCO")),
)
