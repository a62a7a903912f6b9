"""Personio: one XML feed gives a whole board, with texts in named blocks.

Documentation: https://developer.personio.de/docs/retrieving-open-job-positions
"""

import html
from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import token_before
from app.sources.parsing.values import iso_moment, places
from app.sources.parsing.xml import xml_rows
from app.sources.types import ListingRequest, Page, RawPosting, Response, Source, Text

HOSTS = {"jobs.personio.de": "", "jobs.personio.com": "com"}


def _recognise(url: SplitResult) -> Board | None:
    return next((board for host, region in HOSTS.items() if (board := token_before(host, url, region))), None)


def _request(language: str) -> ListingRequest:
    return ListingRequest("/xml", {"language": language}, accept="application/xml")


def _following(_board: Board, offset: int, page: Page) -> ListingRequest | None:
    """Some companies write in German only; what has no text in English is looked for there, once."""
    is_first = offset == page.records
    return _request("de") if is_first and any(not draft.description for draft in page.drafts) else None


def _parse(answer: Response, board: Board) -> Page:
    rows = xml_rows(answer, "workzag-jobs", "position")
    drafts, unread = parse_rows(rows, "position", lambda position: _draft(position, board))
    return Page(drafts, unread, records=len(rows))


def _draft(position: Record, board: Board) -> RawPosting:
    identity = position.identity("id")
    terms = filter(None, (position.maybe_text("employmentType"), position.maybe_text("schedule")))
    return RawPosting(
        external_id=identity,
        title=position.text("name"),
        url=f"{_page(board)}/job/{quote(identity, safe='')}",
        locations=places(position.maybe_text("office"), *position.record("additionalOffices").texts("office")),
        department=position.maybe_text("department") or position.maybe_text("recruitingCategory"),
        employment_type=", ".join(terms) or None,
        posted_at=iso_moment(position.maybe_text("createdAt")),
        description=tuple(
            Text(f"<h2>{html.escape(block.maybe_text('name') or '')}</h2>{value}")
            for block in position.record("jobDescriptions").records("jobDescription")
            if (value := block.maybe_text("value"))
        ),
    )


def _page(board: Board) -> str:
    host = next(host for host, region in HOSTS.items() if region == board.region)
    return f"https://{quote(board.token, safe='')}.{host}"


SOURCE = Source(
    key="personio",
    name="Personio",
    documentation="https://developer.personio.de/docs/retrieving-open-job-positions",
    policy="Its XML feed of open positions is documented and public.",
    example="https://acme.jobs.personio.de",
    board_hint="What stands before .jobs.personio.de in the address; if it ends in .com, write com: before it.",
    bases={
        "": "https://{token}.jobs.personio.de",
        "com": "https://{token}.jobs.personio.com",
    },
    recognise=_recognise,
    page=_page,
    first=lambda _board: _request("en"),
    parse=_parse,
    following=_following,
    pace_seconds=0.5,
    refusals={404: "does not exist, or has switched its feed off."},
    starters=(("com:personio", "Personio"), ("yapeal-ag", "Yapeal")),
)
