"""Lever: pages of a plain list, on a global and on a European host.

Documentation: https://github.com/lever/postings-api
"""

from typing import Any
from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.errors import NotFound
from app.sources.parsing.json_record import Record, as_rows, parse_rows
from app.sources.parsing.urls import link, path_parts, token_of
from app.sources.parsing.values import epoch_moment, places, workplace
from app.sources.types import Form, ListingRequest, Page, RawPosting, Response, Section, Source, Text

PAGES = {"jobs.lever.co": "", "jobs.eu.lever.co": "eu"}
API = {"api.lever.co": "", "api.eu.lever.co": "eu"}
LIMIT = 100


def _recognise(url: SplitResult) -> Board | None:
    parts, host = path_parts(url), url.hostname or ""
    if host in API and parts[:2] == ["v0", "postings"]:
        return token_of(parts[2:], API[host])
    return token_of(parts, PAGES[host]) if host in PAGES else None


def _request(board: Board, skip: int = 0) -> ListingRequest:
    # Without mode=json a browser's Accept would be answered with a page.
    query = {"mode": "json", "skip": str(skip), "limit": str(LIMIT)}
    return ListingRequest(f"/v0/postings/{quote(board.token, safe='')}", query)


def _following(board: Board, offset: int, page: Page) -> ListingRequest | None:
    # A page that is longer than asked for was everything, as a shorter one is.
    return _request(board, offset) if page.records == LIMIT else None


def _parse(answer: Response, board: Board) -> Page:
    document: Any = answer.json()
    if isinstance(document, dict) and document.get("ok") is False:
        raise NotFound(f"Lever knows no board {board}.")
    rows = as_rows(document, "the whole answer")
    drafts, unread = parse_rows(rows, "", lambda posting: _draft(posting, board))
    return Page(drafts, unread, records=len(rows))


def _draft(posting: Record, board: Board) -> RawPosting:
    categories = posting.record("categories")
    mode = workplace(posting.maybe_text("workplaceType"))
    identity = posting.identity("id")
    return RawPosting(
        external_id=identity,
        title=posting.text("text"),
        url=link(posting.maybe_text("hostedUrl"), f"{_page(board)}/{identity}"),
        locations=places(categories.maybe_text("location"), *categories.texts("allLocations")),
        department=categories.maybe_text("department") or categories.maybe_text("team"),
        workplace=mode,
        employment_type=categories.maybe_text("commitment"),
        posted_at=epoch_moment(posting.maybe_number("createdAt")),
        description=_description(posting),
        requirements=tuple(
            Section(each.maybe_text("text") or "", Text(content))
            for each in posting.records("lists")
            if (content := each.maybe_text("content"))
        ),
    )


def _description(posting: Record) -> tuple[Text, ...]:
    """``description`` is the opening and the body in one; ``additional`` and the salary stand after the lists."""
    parts = ("description",) if _text(posting, "description") else ("opening", "descriptionBody")
    texts = (_text(posting, name) for name in (*parts, "additional", "salaryDescription"))
    return tuple(text for text in texts if text)


def _text(posting: Record, name: str) -> Text | None:
    if markup := posting.maybe_text(name):
        return Text(markup)
    plain = posting.maybe_text(f"{name}Plain")
    return Text(plain, Form.PLAIN) if plain else None


def _page(board: Board) -> str:
    host = next(host for host, region in PAGES.items() if region == board.region)
    return f"https://{host}/{quote(board.token, safe='')}"


SOURCE = Source(
    key="lever",
    name="Lever",
    documentation="https://github.com/lever/postings-api",
    policy="Its postings interface is documented and public; Lever says that anybody may read published postings.",
    example="https://jobs.lever.co/acme",
    board_hint="What follows jobs.lever.co/ in the address of the board; after jobs.eu.lever.co/, write eu: before it.",
    bases={"": "https://api.lever.co", "eu": "https://api.eu.lever.co"},
    recognise=_recognise,
    page=_page,
    first=_request,
    parse=_parse,
    following=_following,
    pace_seconds=0.5,
    starters=(
        ("spotify", "Spotify"),
        ("palantir", "Palantir"),
        ("mistral", "Mistral AI"),
        ("matchgroup", "Match Group"),
    ),
)
