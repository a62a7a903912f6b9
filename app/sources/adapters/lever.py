"""Lever: pages of a plain list, on a global and a European host.

Documentation: https://github.com/lever/postings-api
"""

from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.errors import NotFound
from app.sources.parsing.dates_and_places import datetime_from_epoch_ms, split_locations, workplace
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import link, path_parts, path_segment, token_of
from app.sources.types import Form, ListingRequest, Page, Parsing, RawPosting, Response, Section, Source, Text

PAGE_HOSTS = {"jobs.lever.co": "", "jobs.eu.lever.co": "eu"}
API_HOSTS = {"api.lever.co": "", "api.eu.lever.co": "eu"}
PAGE_SIZE = 100

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    parts, host = path_parts(url), url.hostname or ""
    if host in API_HOSTS and parts[:2] == ["v0", "postings"]:
        return token_of(parts[2:], API_HOSTS[host])
    return token_of(parts, PAGE_HOSTS[host]) if host in PAGE_HOSTS else None


def _request(board: Board, offset: int) -> ListingRequest:
    # Without mode=json, the Accept header of a browser gets a web page.
    query = {"mode": "json", "skip": str(offset), "limit": str(PAGE_SIZE)}
    return ListingRequest(f"/v0/postings/{quote(board.token, safe='')}", query)


def _first_request(board: Board) -> ListingRequest:
    return _request(board, 0)


def _next_request(board: Board, offset: int, page: Page) -> ListingRequest | None:
    # A page that is shorter than the limit is the last; a longer one holds everything.
    return _request(board, offset) if page.records == PAGE_SIZE else None


def _parse(response: Response, board: Board) -> Parsing:
    if response.body.lstrip()[:1] == b"{" and Record(response.json(), "").flag("ok") is False:
        error = NotFound(f"Lever's board {board} does not exist.")
        # Documented, mostly with status 404. Some answers have this body and status 200.
        error.is_missing = True
        raise error
    read = yield from parse_rows(JsonRows(response), "", lambda job: _posting(job, board), IDENTITY)
    return Page(read.faults, read.is_whole, records=read.records)


def _posting(job: Record, board: Board) -> RawPosting:
    categories = job.record("categories")
    mode = workplace(job.optional_text("workplaceType"))
    identity = job.identity("id")
    return RawPosting(
        external_id=identity,
        title=job.text("text"),
        url=link(job.optional_text("hostedUrl"), f"{_board_url(board)}/{path_segment(identity)}"),
        locations=split_locations(categories.optional_text("location"), *categories.texts("allLocations")),
        department=categories.optional_text("department") or categories.optional_text("team"),
        workplace=mode,
        employment_type=categories.optional_text("commitment"),
        posted_at=datetime_from_epoch_ms(job.optional_number("createdAt")),
        description=_description(job),
        requirements=tuple(
            Section(each.optional_text("text") or "", Text(content))
            for each in job.records("lists")
            if (content := each.optional_text("content"))
        ),
    )


def _description(job: Record) -> tuple[Text, ...]:
    """Return the description's parts. ``description`` joins opening and body; the other parts follow the lists."""
    parts = ("description",) if _text(job, "description") else ("opening", "descriptionBody")
    texts = (_text(job, name) for name in (*parts, "additional", "salaryDescription"))
    return tuple(text for text in texts if text)


def _text(job: Record, name: str) -> Text | None:
    if markup := job.optional_text(name):
        return Text(markup)
    plain = job.optional_text(f"{name}Plain")
    return Text(plain, Form.PLAIN) if plain else None


def _board_url(board: Board) -> str:
    host = next(host for host, region in PAGE_HOSTS.items() if region == board.region)
    return f"https://{host}/{quote(board.token, safe='')}"


SOURCE = Source(
    key="lever",
    name="Lever",
    documentation="https://github.com/lever/postings-api",
    policy="Its postings interface is documented and public. Lever states that anyone may read published postings.",
    example="https://jobs.lever.co/acme",
    board_hint="The part after jobs.lever.co/ in the board's address. For jobs.eu.lever.co/, write eu: before it.",
    bases={"": "https://api.lever.co", "eu": "https://api.eu.lever.co"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    next_request=_next_request,
    pace_seconds=0.5,
    suggested=(
        ("spotify", "Spotify"),
        ("palantir", "Palantir"),
        ("mistral", "Mistral AI"),
        ("matchgroup", "Match Group"),
    ),
)
