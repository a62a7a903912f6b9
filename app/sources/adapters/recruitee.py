"""Recruitee: every company has a host of its own, where one call gives its whole board, with texts.

Documentation: https://docs.recruitee.com/reference/intro-to-careers-site-api
"""

from datetime import datetime
from urllib.parse import SplitResult, quote

from app.sources.board_token import Board, site_of
from app.sources.parsing.json_record import Record, parse_rows
from app.sources.parsing.urls import link, token_before
from app.sources.parsing.values import iso_moment, places
from app.sources.types import ListingRequest, Page, RawPosting, Response, Section, Source, Text, Workplace

DOMAIN = "recruitee.com"
FLAGS = {"remote": Workplace.REMOTE, "hybrid": Workplace.HYBRID, "on_site": Workplace.ON_SITE}


def _recognise(url: SplitResult) -> Board | None:
    return token_before(DOMAIN, url)


def _first(board: Board) -> ListingRequest:
    return ListingRequest("/api/offers/")


def _parse(answer: Response, board: Board) -> Page:
    rows = Record(answer.json(), "").rows("offers")
    drafts, unread = parse_rows(rows, "offers", lambda offer: _draft(offer, board))
    names = [name for row in rows[:1] if isinstance(row, dict) and (name := Record(row, "").maybe_text("company_name"))]
    return Page(drafts, unread, board_name=next(iter(names), None), records=len(rows))


def _translated(offer: Record, name: str) -> str | None:
    """What the offer says, or the first of its translations that does, English before the others."""
    languages = offer.record("translations")
    told = (languages.record(language).maybe_text(name) for language in sorted(languages.names(), key=_english_first))
    return offer.maybe_text(name) or next(filter(None, told), None)


def _english_first(language: str) -> tuple[bool, str]:
    return not language.startswith("en"), language


def _draft(offer: Record, board: Board) -> RawPosting:
    description, requirements = _translated(offer, "description"), _translated(offer, "requirements")
    return RawPosting(
        external_id=offer.identity("id"),
        title=_translated(offer, "title") or offer.text("title"),
        url=link(offer.maybe_text("careers_url"), _link(offer, board)),
        locations=places(*map(_place, offer.records("locations"))) or places(_place(offer)),
        department=offer.maybe_text("department"),
        workplace=_workplace(offer),
        employment_type=(offer.maybe_text("employment_type_code") or "").replace("_", " ") or None,
        posted_at=_moment(offer, "published_at"),
        updated_at=_moment(offer, "updated_at"),
        description=(Text(description),) if description else (),
        requirements=(Section("", Text(requirements)),) if requirements else (),
    )


def _link(offer: Record, board: Board) -> str:
    """The address of an offer is made of its slug; without one the board has to do."""
    slug = offer.maybe_text("slug")
    return f"{_page(board)}/o/{quote(slug, safe='')}" if slug else _page(board)


def _place(place: Record) -> str | None:
    """A location, or an offer of one place. What a location is called may be anything, "HQ" for one."""
    parts = dict.fromkeys(part for name in ("city", "state", "country") if (part := place.maybe_text(name)))
    return ", ".join(parts) or place.maybe_text("name") or place.maybe_text("location")


def _workplace(offer: Record) -> Workplace | None:
    """The one that is ticked; of several, which an applicant may choose from, none is the truth."""
    ticked = [mode for name, mode in FLAGS.items() if offer.flag(name)]
    return ticked[0] if len(ticked) == 1 else None


def _moment(offer: Record, name: str) -> datetime | None:
    """Written as ``2026-05-04 09:00:00 UTC``."""
    return iso_moment((offer.maybe_text(name) or "").removesuffix(" UTC"))


def _page(board: Board) -> str:
    return f"https://{site_of(board, DOMAIN)}"


SOURCE = Source(
    key="recruitee",
    name="Recruitee",
    documentation="https://docs.recruitee.com/reference/intro-to-careers-site-api",
    policy="Its interface for careers sites is documented and public; from 10 February 2027 on it needs a token.",
    example="https://acme.recruitee.com",
    board_hint="What stands before .recruitee.com in the address of the board.",
    bases={"": f"https://{{token}}.{DOMAIN}"},
    recognise=_recognise,
    page=_page,
    first=_first,
    parse=_parse,
    pace_seconds=0.5,
    markers=("recruiteecdn.com",),
    starters=(("make", "Make"), ("12build", "12Build")),
    refusals={401: "needs the employer's token, which Recruitee asks for from 10 February 2027 on; we have none."},
)
