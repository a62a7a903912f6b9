"""Greenhouse: one request returns a whole board, with texts.

Documentation: https://developers.greenhouse.io/job-board.html
"""

from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qs, quote

from app.sources.board_token import Board
from app.sources.parsing.dates_and_places import parse_iso_datetime, split_locations, workplace
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import link, path_parts, path_segment, token_of
from app.sources.types import Form, ListingRequest, Page, Parsing, RawPosting, Response, Source, Text, Workplace

PAGE_HOSTS = (
    "boards.greenhouse.io",
    "job-boards.greenhouse.io",
    "job-boards.eu.greenhouse.io",
    "boards.eu.greenhouse.io",
)
EMPLOYMENT_FIELDS = ("employment type", "time type", "job type", "contract type")
API_HOSTS = ("boards-api.greenhouse.io", "boards-api.eu.greenhouse.io", "api.greenhouse.io")

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname in API_HOSTS and parts[:2] == ["v1", "boards"]:
        return token_of(parts[2:])
    if url.hostname not in PAGE_HOSTS:
        return None
    if parts[:1] == ["embed"]:
        # The embedding script names the board in its query.
        return token_of(parse_qs(url.query).get("for", []))
    return token_of(parts)


def _first_request(board: Board) -> ListingRequest:
    return ListingRequest(f"/v1/boards/{quote(board.token, safe='')}/jobs", {"content": "true"})


def _parse(response: Response, board: Board) -> Parsing:
    rows = JsonRows(response, "jobs")
    read = yield from parse_rows(rows, "jobs", lambda job: _posting(job, board), IDENTITY)
    total = Record(rows.rest, "").record("meta").optional_number("total")
    name = read.first.optional_text("company_name") if read.first else None
    return Page(read.faults, read.is_whole, total, name, read.records)


def _posting(job: Record, board: Board) -> RawPosting:
    location = job.record("location").optional_text("name")
    mode = workplace(location)
    offices = [office.optional_text("location") or office.optional_text("name") for office in job.records("offices")]
    content = job.optional_text("content")
    identity = job.identity("id")
    return RawPosting(
        external_id=identity,
        title=job.text("title"),
        # absolute_url may lead to the company's own site, and is sometimes missing.
        url=link(job.optional_text("absolute_url"), f"{_board_url(board)}/jobs/{path_segment(identity)}"),
        locations=_locations(location, offices, mode),
        department=next((name for each in job.records("departments") if (name := each.optional_text("name"))), None),
        workplace=mode,
        employment_type=_employment_type(job),
        # Not updated_at, which changes with every edit.
        posted_at=parse_iso_datetime(job.optional_text("first_published")),
        updated_at=parse_iso_datetime(job.optional_text("updated_at")),
        description=(Text(content, Form.ESCAPED_HTML),) if content else (),
    )


def _locations(location: str | None, offices: Iterable[str | None], mode: Workplace | None) -> tuple[str, ...]:
    """Return the locations. If the location names a workplace like "Remote" instead of a place, use the offices."""
    if location and not mode:
        return split_locations(location)
    return split_locations(*offices) or split_locations(location)


def _employment_type(job: Record) -> str | None:
    """Return the employment type. Companies store it in a custom field, mostly one of EMPLOYMENT_FIELDS."""
    metadata = job.records("metadata")
    fields = {(each.optional_text("name") or "").lower(): each.optional_text("value") for each in metadata}
    return next((value for name in EMPLOYMENT_FIELDS if (value := fields.get(name))), None)


def _board_url(board: Board) -> str:
    return f"https://job-boards.greenhouse.io/{quote(board.token, safe='')}"


SOURCE = Source(
    key="greenhouse",
    name="Greenhouse",
    documentation="https://developers.greenhouse.io/job-board.html",
    policy="Its job board interface is documented and public.",
    example="https://job-boards.greenhouse.io/acme",
    board_hint="The part after job-boards.greenhouse.io/ or boards.greenhouse.io/ in the board's address.",
    bases={"": "https://boards-api.greenhouse.io"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    name_request=lambda board: ListingRequest(f"/v1/boards/{quote(board.token, safe='')}"),
    pace_seconds=0.25,
    suggested=(
        ("anthropic", "Anthropic"),
        ("airbnb", "Airbnb"),
        ("cloudflare", "Cloudflare"),
        ("databricks", "Databricks"),
        ("figma", "Figma"),
        ("gitlab", "GitLab"),
        ("roblox", "Roblox"),
        ("stripe", "Stripe"),
    ),
)
