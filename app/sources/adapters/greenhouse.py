"""Greenhouse: one call gives a whole board, with texts.

Documentation: https://developers.greenhouse.io/job-board.html
"""

from urllib.parse import SplitResult, parse_qs, quote

from app.sources.board_token import Board
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import link, path_parts, token_of
from app.sources.parsing.values import iso_moment, places, workplace
from app.sources.types import Form, ListingRequest, Page, RawPosting, Response, Source, Text

PAGES = (
    "boards.greenhouse.io",
    "job-boards.greenhouse.io",
    "job-boards.eu.greenhouse.io",
    "boards.eu.greenhouse.io",
)
EMPLOYMENT = ("employment type", "time type", "job type", "contract type")
API = ("boards-api.greenhouse.io", "boards-api.eu.greenhouse.io", "api.greenhouse.io")


def _recognise(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname in API and parts[:2] == ["v1", "boards"]:
        return token_of(parts[2:])
    if url.hostname not in PAGES:
        return None
    if parts[:1] == ["embed"]:
        # The script that a company puts on its own page names the board in its query.
        return token_of(parse_qs(url.query).get("for", []))
    return token_of(parts)


def _first(board: Board) -> ListingRequest:
    return ListingRequest(f"/v1/boards/{quote(board.token, safe='')}/jobs", {"content": "true"})


def _parse(answer: Response, board: Board) -> Page:
    document = Record(answer.json(), "")
    rows = document.rows("jobs")
    drafts, unread = parse_rows(rows, "jobs", lambda job: _draft(job, board))
    names = [name for row in rows[:1] if isinstance(row, dict) and (name := Record(row, "").maybe_text("company_name"))]
    return Page(drafts, unread, document.record("meta").maybe_number("total"), next(iter(names), None), len(rows))


def _draft(job: Record, board: Board) -> RawPosting:
    named = job.record("location").maybe_text("name")
    mode = workplace(named)
    offices = [office.maybe_text("location") or office.maybe_text("name") for office in job.records("offices")]
    content = job.maybe_text("content")
    identity = job.identity("id")
    return RawPosting(
        external_id=identity,
        title=job.text("title"),
        # May be the company's own page, and is now and then left out.
        url=link(job.maybe_text("absolute_url"), f"{_page(board)}/jobs/{identity}"),
        # "Remote" and the like are no place; then the offices are.
        locations=places(named) if named and not mode else places(*offices) or places(named),
        department=next((name for each in job.records("departments") if (name := each.maybe_text("name"))), None),
        workplace=mode,
        employment_type=_employment_type(job),
        # The other date moves with every edit.
        posted_at=iso_moment(job.maybe_text("first_published")),
        updated_at=iso_moment(job.maybe_text("updated_at")),
        description=(Text(content, Form.ESCAPED_HTML),) if content else (),
    )


def _employment_type(job: Record) -> str | None:
    """Companies keep it in a field of their own, most under one of these names."""
    fields = {(each.maybe_text("name") or "").lower(): each.maybe_text("value") for each in job.records("metadata")}
    return next((value for name in EMPLOYMENT if (value := fields.get(name))), None)


def _page(board: Board) -> str:
    return f"https://job-boards.greenhouse.io/{quote(board.token, safe='')}"


SOURCE = Source(
    key="greenhouse",
    name="Greenhouse",
    documentation="https://developers.greenhouse.io/job-board.html",
    policy="Its job board interface is documented and public.",
    example="https://job-boards.greenhouse.io/acme",
    board_hint="What follows job-boards.greenhouse.io/ or boards.greenhouse.io/ in the address of the board.",
    bases={"": "https://boards-api.greenhouse.io"},
    recognise=_recognise,
    page=_page,
    first=_first,
    parse=_parse,
    name_request=lambda board: ListingRequest(f"/v1/boards/{quote(board.token, safe='')}"),
    pace_seconds=0.25,
    starters=(
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
