"""Recruitee: each company has a host of its own, where one request returns its whole board, with texts.

Documentation: https://docs.recruitee.com/reference/intro-to-careers-site-api
"""

from datetime import datetime
from urllib.parse import SplitResult

from app.sources.board_token import Board, host_of
from app.sources.parsing.dates_and_places import parse_iso_datetime, split_locations
from app.sources.parsing.json_record import Record, identity_in, parse_rows
from app.sources.parsing.json_rows import JsonRows
from app.sources.parsing.urls import link, path_segment, token_before
from app.sources.types import ListingRequest, Page, Parsing, RawPosting, Response, Section, Source, Text, Workplace

DOMAIN = "recruitee.com"
FLAGS = {"remote": Workplace.REMOTE, "hybrid": Workplace.HYBRID, "on_site": Workplace.ON_SITE}

IDENTITY = identity_in("id")


def _match_url(url: SplitResult) -> Board | None:
    return token_before(DOMAIN, url)


def _first_request(_board: Board) -> ListingRequest:
    return ListingRequest("/api/offers/")


def _parse(response: Response, board: Board) -> Parsing:
    read = yield from parse_rows(JsonRows(response, "offers"), "offers", lambda offer: _posting(offer, board), IDENTITY)
    name = read.first.optional_text("company_name") if read.first else None
    return Page(read.faults, read.is_whole, board_name=name, records=read.records)


def _translated(offer: Record, name: str) -> str | None:
    """Return a text of the offer, or else of the first translation that has this text. English comes first."""
    translations = offer.record("translations")
    languages = sorted(translations.names(), key=_english_first)
    translated = (translations.record(language).optional_text(name) for language in languages)
    return offer.optional_text(name) or next(filter(None, translated), None)


def _english_first(language: str) -> tuple[bool, str]:
    return not language.startswith("en"), language


def _posting(offer: Record, board: Board) -> RawPosting:
    description, requirements = _translated(offer, "description"), _translated(offer, "requirements")
    return RawPosting(
        external_id=offer.identity("id"),
        title=_translated(offer, "title") or offer.text("title"),
        url=link(offer.optional_text("careers_url"), _link(offer, board)),
        locations=split_locations(*map(_location, offer.records("locations"))) or split_locations(_location(offer)),
        department=offer.optional_text("department"),
        workplace=_workplace(offer),
        employment_type=(offer.optional_text("employment_type_code") or "").replace("_", " ") or None,
        posted_at=_datetime(offer, "published_at"),
        updated_at=_datetime(offer, "updated_at"),
        description=(Text(description),) if description else (),
        requirements=(Section("", Text(requirements)),) if requirements else (),
    )


def _link(offer: Record, board: Board) -> str:
    """Return the URL of an offer, from its slug. Without a slug, return the board's page."""
    slug = offer.optional_text("slug")
    return f"{_board_url(board)}/o/{path_segment(slug)}" if slug else _board_url(board)


def _location(location: Record) -> str | None:
    """Return a location, or an offer's only location, as text. The name comes last: it may be anything, like "HQ"."""
    parts = dict.fromkeys(part for name in ("city", "state", "country") if (part := location.optional_text(name)))
    return ", ".join(parts) or location.optional_text("name") or location.optional_text("location")


def _workplace(offer: Record) -> Workplace | None:
    """Return the workplace whose flag is set. None if several flags are set, because then the applicant may choose."""
    selected = [mode for name, mode in FLAGS.items() if offer.flag(name)]
    return selected[0] if len(selected) == 1 else None


def _datetime(offer: Record, name: str) -> datetime | None:
    """Parse a time like ``2026-05-04 09:00:00 UTC``."""
    return parse_iso_datetime((offer.optional_text(name) or "").removesuffix(" UTC"))


def _board_url(board: Board) -> str:
    return f"https://{host_of(board, DOMAIN)}"


SOURCE = Source(
    key="recruitee",
    name="Recruitee",
    documentation="https://docs.recruitee.com/reference/intro-to-careers-site-api",
    policy="Its interface for careers sites is documented and public. From 10 February 2027 it requires a token.",
    example="https://acme.recruitee.com",
    board_hint="The part before .recruitee.com in the board's address.",
    bases={"": f"https://{{token}}.{DOMAIN}"},
    match_url=_match_url,
    page=_board_url,
    first_request=_first_request,
    parse=_parse,
    pace_seconds=0.5,
    fingerprints=("recruiteecdn.com",),
    suggested=(("make", "Make"), ("12build", "12Build")),
    error_messages={401: "needs the employer's token, which Recruitee requires from 10 February 2027."},
)
