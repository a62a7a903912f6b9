"""Personio: one XML feed returns a whole board, with texts in named blocks.

Documentation: https://developer.personio.de/docs/retrieving-open-job-positions
"""

import html
from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.dates_and_places import parse_iso_datetime, split_locations
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.urls import path_segment, token_before
from app.sources.parsing.xml import xml_rows
from app.sources.types import ListingRequest, Page, Parsing, RawPosting, Response, Source, Text

HOSTS = {"jobs.personio.de": "", "jobs.personio.com": "com"}

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    return next((board for host, region in HOSTS.items() if (board := token_before(host, url, region))), None)


def _request(language: str) -> ListingRequest:
    return ListingRequest("/xml", {"language": language}, accept="application/xml")


def _first_request(_board: Board) -> ListingRequest:
    return _request("en")


def _next_request(_board: Board, offset: int, page: Page) -> ListingRequest | None:
    """Request the feed in German, once, if a posting has no English text. Some companies write only in German."""
    is_first = offset == page.records
    return _request("de") if is_first and page.lacks_texts else None


def _parse(response: Response, board: Board) -> Parsing:
    without_text = 0

    def posting(position: Record) -> RawPosting:
        nonlocal without_text
        raw = _posting(position, board)
        without_text += not raw.description
        return raw

    read = yield from parse_rows(xml_rows(response, "workzag-jobs", "position"), "position", posting, IDENTITY)
    return Page(read.faults, read.is_whole, records=read.records, lacks_texts=without_text > 0)


def _posting(position: Record, board: Board) -> RawPosting:
    identity = position.identity("id")
    terms = filter(None, (position.optional_text("employmentType"), position.optional_text("schedule")))
    more_offices = position.record("additionalOffices").texts("office")
    return RawPosting(
        external_id=identity,
        title=position.text("name"),
        url=f"{_board_url(board)}/job/{path_segment(identity)}",
        locations=split_locations(position.optional_text("office"), *more_offices),
        department=position.optional_text("department") or position.optional_text("recruitingCategory"),
        employment_type=", ".join(terms) or None,
        posted_at=parse_iso_datetime(position.optional_text("createdAt")),
        description=tuple(
            Text(f"<h2>{html.escape(block.optional_text('name') or '')}</h2>{value}")
            for block in position.record("jobDescriptions").records("jobDescription")
            if (value := block.optional_text("value"))
        ),
    )


def _board_url(board: Board) -> str:
    host = next(host for host, region in HOSTS.items() if region == board.region)
    return f"https://{quote(board.token, safe='')}.{host}"


SOURCE = Source(
    key="personio",
    name="Personio",
    documentation="https://developer.personio.de/docs/retrieving-open-job-positions",
    policy="Its XML feed of open positions is documented and public.",
    example="https://acme.jobs.personio.de",
    board_hint="The part before .jobs.personio.de in the board's address. If the address ends in .com,"
    " write com: before the name.",
    bases={
        "": "https://{token}.jobs.personio.de",
        "com": "https://{token}.jobs.personio.com",
    },
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    next_request=_next_request,
    pace_seconds=0.5,
    error_messages={404: "does not exist, or its feed is switched off."},
    suggested=(("com:personio", "Personio"), ("yapeal-ag", "Yapeal")),
)
