"""Ashby: one request returns a whole board, with texts. It may be slow.

Documentation: https://developers.ashbyhq.com/docs/public-job-posting-api
"""

from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.dates_and_places import parse_iso_datetime, split_locations, workplace
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import link, path_parts, path_segment, token_of
from app.sources.types import Form, ListingRequest, Page, Parsing, RawPosting, Response, Source, Text, Workplace

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname == "api.ashbyhq.com" and parts[:2] == ["posting-api", "job-board"]:
        return token_of(parts[2:])
    return token_of(parts) if url.hostname == "jobs.ashbyhq.com" else None


def _first_request(board: Board) -> ListingRequest:
    return ListingRequest(f"/posting-api/job-board/{quote(board.token, safe='')}", {"includeCompensation": "true"})


def _parse(response: Response, board: Board) -> Parsing:
    read = yield from parse_rows(JsonRows(response, "jobs"), "jobs", lambda job: _posting(job, board), IDENTITY)
    return Page(read.faults, read.is_whole, records=read.records)


def _posting(job: Record, board: Board) -> RawPosting | None:
    if job.flag("isListed") is False:
        # An unlisted posting is only for people who received its URL.
        return None
    identity = job.identity("id")
    secondary = (each.optional_text("location") for each in job.records("secondaryLocations"))
    # If workplaceType and isRemote disagree, workplaceType is right.
    mode = workplace(job.optional_text("workplaceType")) or (Workplace.REMOTE if job.flag("isRemote") else None)
    return RawPosting(
        external_id=identity,
        title=job.text("title"),
        url=link(job.optional_text("jobUrl"), f"{_board_url(board)}/{path_segment(identity)}"),
        locations=split_locations(job.optional_text("location") or _address(job), *secondary),
        department=job.optional_text("department") or job.optional_text("team"),
        workplace=mode,
        employment_type=job.optional_text("employmentType"),
        posted_at=parse_iso_datetime(job.optional_text("publishedAt")),
        description=_description(job),
    )


def _address(job: Record) -> str | None:
    address = job.record("address").record("postalAddress")
    parts = (address.optional_text(f"address{name}") for name in ("Locality", "Region", "Country"))
    return ", ".join(part for part in parts if part) or None


def _description(job: Record) -> tuple[Text, ...]:
    if markup := job.optional_text("descriptionHtml"):
        return (Text(markup),)
    plain = job.optional_text("descriptionPlain")
    return (Text(plain, Form.PLAIN),) if plain else ()


def _board_url(board: Board) -> str:
    return f"https://jobs.ashbyhq.com/{quote(board.token, safe='')}"


SOURCE = Source(
    key="ashby",
    name="Ashby",
    documentation="https://developers.ashbyhq.com/docs/public-job-posting-api",
    policy="Its job posting interface is documented and public.",
    example="https://jobs.ashbyhq.com/acme",
    board_hint="The part after jobs.ashbyhq.com/ in the board's address.",
    bases={"": "https://api.ashbyhq.com"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    pace_seconds=0.5,
    # Measured: one board took ten seconds, and longer under load.
    response_timeout=45.0,
    empty_may_be_missing=True,
    suggested=(
        ("openai", "OpenAI"),
        ("ramp", "Ramp"),
        ("notion", "Notion"),
        ("linear", "Linear"),
        ("posthog", "PostHog"),
        ("supabase", "Supabase"),
    ),
)
