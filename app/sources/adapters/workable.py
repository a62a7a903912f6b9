"""Workable: one call gives a whole board, with texts, a record for each country; one host, which tires quickly.

Documentation: https://workable.readme.io/reference/jobs (the widget's account endpoint)
"""

from urllib.parse import SplitResult, quote

from app.sources.board_token import Board
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import link, path_parts, token_before, token_of
from app.sources.parsing.values import iso_moment, places
from app.sources.types import ListingRequest, Page, RawPosting, Response, Source, Text, Workplace

OWN = ("j", "view", "jobs", "gdpr_policy")
"""First parts of paths that are no company's."""


def _recognise(url: SplitResult) -> Board | None:
    parts = path_parts(url)
    if url.hostname == "apply.workable.com":
        # An interface's address has the name behind "accounts", a page's has it first; a short link has none.
        while "accounts" in parts:
            parts.pop(0)
        return token_of(parts) if parts and parts[0] not in OWN else None
    if url.hostname == "www.workable.com" and parts[:2] == ["api", "accounts"]:
        return token_of(parts[2:])
    return token_before("workable.com", url)


def _first(board: Board) -> ListingRequest:
    return ListingRequest(f"/api/v1/widget/accounts/{quote(board.token, safe='')}", {"details": "true"})


def _parse(answer: Response, board: Board) -> Page:
    document = Record(answer.json(), "")
    rows = document.rows("jobs")
    drafts, unread = parse_rows(rows, "jobs", lambda job: _draft(job, board))
    return Page(drafts, unread, board_name=document.maybe_text("name"), records=len(rows))


def _draft(job: Record, board: Board) -> RawPosting:
    code = job.identity("shortcode")
    text = job.maybe_text("description")
    shown = [each for each in job.records("locations") if each.flag("hidden") is not True]
    return RawPosting(
        # The same once for each country; the host joins them.
        external_id=code,
        title=job.text("title"),
        url=link(job.maybe_text("url"), f"{_page(board)}j/{quote(code, safe='')}/"),
        locations=places(*(_place(each, "region") for each in shown)) or places(_place(job, "state")),
        department=next(iter(job.texts("department")), None),
        workplace=Workplace.REMOTE if job.flag("telecommuting") else None,
        employment_type=job.maybe_text("employment_type"),
        posted_at=iso_moment(job.maybe_text("published_on") or job.maybe_text("created_at")),
        description=(Text(text),) if text else (),
    )


def _place(where: Record, region: str) -> str | None:
    return ", ".join(filter(None, map(where.maybe_text, ("city", region, "country")))) or None


def _page(board: Board) -> str:
    return f"https://apply.workable.com/{quote(board.token, safe='')}/"


SOURCE = Source(
    key="workable",
    name="Workable",
    documentation="https://workable.readme.io/reference/jobs",
    policy="The interface of its job widget is documented and public.",
    example="https://apply.workable.com/acme",
    board_hint="What follows apply.workable.com/ in the address of the board.",
    bases={"": "https://apply.workable.com"},
    recognise=_recognise,
    page=_page,
    first=_first,
    parse=_parse,
    # All companies are on one host, which answers bursts by shutting out for hours.
    pace_seconds=3.0,
    starters=(("huggingface", "Hugging Face"), ("trocaire", "Trócaire")),
)
