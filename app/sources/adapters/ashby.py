"""Ashby: one call gives a whole board, with texts, and may take its time.

Documentation: https://developers.ashbyhq.com/docs/public-job-posting-api
"""

from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import link, path_parts, token_of
from app.sources.parsing.values import iso_moment, places, workplace
from app.sources.types import Form, ListingRequest, Page, RawPosting, Response, Source, Text, Workplace


def _recognise(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname == "api.ashbyhq.com" and parts[:2] == ["posting-api", "job-board"]:
        return token_of(parts[2:])
    return token_of(parts) if url.hostname == "jobs.ashbyhq.com" else None


def _first(board: Board) -> ListingRequest:
    return ListingRequest(f"/posting-api/job-board/{quote(board.token, safe='')}", {"includeCompensation": "true"})


def _parse(answer: Response, board: Board) -> Page:
    rows = Record(answer.json(), "").rows("jobs")
    drafts, unread = parse_rows(rows, "jobs", lambda job: _draft(job, board))
    return Page(drafts, unread, records=len(rows))


def _draft(job: Record, board: Board) -> RawPosting | None:
    if job.flag("isListed") is False:
        # Open to those who have its address, and to nobody else.
        return None
    identity = job.identity("id")
    secondary = (each.maybe_text("location") for each in job.records("secondaryLocations"))
    # Where the two disagree, the word is right and the flag is not.
    mode = workplace(job.maybe_text("workplaceType")) or (Workplace.REMOTE if job.flag("isRemote") else None)
    return RawPosting(
        external_id=identity,
        title=job.text("title"),
        url=link(job.maybe_text("jobUrl"), f"{_page(board)}/{identity}"),
        locations=places(job.maybe_text("location") or _address(job), *secondary),
        department=job.maybe_text("department") or job.maybe_text("team"),
        workplace=mode,
        employment_type=job.maybe_text("employmentType"),
        posted_at=iso_moment(job.maybe_text("publishedAt")),
        description=_description(job),
    )


def _address(job: Record) -> str | None:
    address = job.record("address").record("postalAddress")
    parts = (address.maybe_text(f"address{name}") for name in ("Locality", "Region", "Country"))
    return ", ".join(part for part in parts if part) or None


def _description(job: Record) -> tuple[Text, ...]:
    if markup := job.maybe_text("descriptionHtml"):
        return (Text(markup),)
    plain = job.maybe_text("descriptionPlain")
    return (Text(plain, Form.PLAIN),) if plain else ()


def _page(board: Board) -> str:
    return f"https://jobs.ashbyhq.com/{quote(board.token, safe='')}"


SOURCE = Source(
    key="ashby",
    name="Ashby",
    documentation="https://developers.ashbyhq.com/docs/public-job-posting-api",
    policy="Its job posting interface is documented and public.",
    example="https://jobs.ashbyhq.com/acme",
    board_hint="What follows jobs.ashbyhq.com/ in the address of the board.",
    bases={"": "https://api.ashbyhq.com"},
    recognise=_recognise,
    page=_page,
    first=_first,
    parse=_parse,
    pace_seconds=0.5,
    # It has been measured to take ten seconds for a board, and more when it is busy.
    answer_seconds=45.0,
    empty_may_be_missing=True,
    starters=(
        ("openai", "OpenAI"),
        ("ramp", "Ramp"),
        ("notion", "Notion"),
        ("linear", "Linear"),
        ("posthog", "PostHog"),
        ("supabase", "Supabase"),
    ),
)
