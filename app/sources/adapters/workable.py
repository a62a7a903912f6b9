"""Workable: one request returns a whole board, with texts and a record for each country. Its rate limit is strict.

Documentation: https://workable.readme.io/reference/jobs (the widget's account endpoint)
"""

from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.dates_and_places import parse_iso_datetime, split_locations
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import link, path_parts, path_segment, token_before, token_of
from app.sources.types import ListingRequest, Page, Parsing, RawPosting, Response, Source, Text, Workplace

RESERVED_PATHS = ("j", "view", "jobs", "gdpr_policy")
"""First parts of paths that are not companies."""

IDENTITY = identity_in("shortcode")


def _match_url(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname == "apply.workable.com":
        # An API path has the company after "accounts", a page's path has it first, and a short link has none.
        while "accounts" in parts:
            parts.pop(0)
        return token_of(parts) if parts and parts[0] not in RESERVED_PATHS else None
    if url.hostname == "www.workable.com" and parts[:2] == ["api", "accounts"]:
        return token_of(parts[2:])
    return token_before("workable.com", url)


def _first_request(board: Board) -> ListingRequest:
    return ListingRequest(f"/api/v1/widget/accounts/{quote(board.token, safe='')}", {"details": "true"})


def _parse(response: Response, board: Board) -> Parsing:
    rows = JsonRows(response, "jobs", "shortcode")
    read = yield from parse_rows(rows, "jobs", lambda job: _posting(job, board), IDENTITY)
    name = Record(rows.rest, "").optional_text("name")
    return Page(read.faults, read.is_whole, board_name=name, records=read.records)


def _posting(job: Record, board: Board) -> RawPosting:
    code = job.identity("shortcode")
    text = job.optional_text("description")
    visible = [each for each in job.records("locations") if each.flag("hidden") is not True]
    locations = (_location(each, "region") for each in visible)
    return RawPosting(
        # A posting has one record for each country; the shared code merges them.
        external_id=code,
        title=job.text("title"),
        url=link(job.optional_text("url"), f"{_board_url(board)}j/{path_segment(code)}/"),
        locations=split_locations(*locations) or split_locations(_location(job, "state")),
        department=next(iter(job.texts("department")), None),
        workplace=Workplace.REMOTE if job.flag("telecommuting") else None,
        employment_type=job.optional_text("employment_type"),
        posted_at=parse_iso_datetime(job.optional_text("published_on") or job.optional_text("created_at")),
        description=(Text(text),) if text else (),
    )


def _location(location: Record, region: str) -> str | None:
    return ", ".join(filter(None, map(location.optional_text, ("city", region, "country")))) or None


def _board_url(board: Board) -> str:
    return f"https://apply.workable.com/{quote(board.token, safe='')}/"


SOURCE = Source(
    key="workable",
    name="Workable",
    documentation="https://workable.readme.io/reference/jobs",
    policy="The interface of its job widget is documented and public.",
    example="https://apply.workable.com/acme",
    board_hint="The part after apply.workable.com/ in the board's address.",
    bases={"": "https://apply.workable.com"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    # All companies share one host, which blocks a client for hours after a burst.
    pace_seconds=3.0,
    suggested=(("huggingface", "Hugging Face"), ("trocaire", "Trócaire")),
)
