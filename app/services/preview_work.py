"""The work on a preview, which knows nothing of messages: board after board, several at once, for a slice of time."""

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import Row

from app.config import BOARD_THREADS
from app.connection import SPARE_CONNECTIONS
from app.errors import DatabaseUnavailable
from app.models import Outcome
from app.services import preview_ends, preview_listings
from app.services.preview_listings import Found
from app.sources.errors import SourceError
from app.sources.filters import decide
from app.sources.listing import list_board
from app.sources.records import Posting

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20
"""How long one message is worked on before others have their turn; what was begun by then is brought to its end."""

BOARD_SECONDS = 90
"""What listing one board may take; less than its lease."""

LONGEST_ID = 255
WORKPLACES = ("remote", "hybrid", "on_site")

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What a text may hold and PostgreSQL's cannot: NUL, and halves of characters."""

FAULT = "Something went wrong here while this board was read; the operator finds it in the log."


def work(preview_id: int, again: Callable[[], object], seconds: float = SLICE_SECONDS) -> None:
    """List boards of a preview for a slice of time; if some are left then, call ``again``. Commits board by board.

    ``again`` is called before the last ones have answered, so that a slow board keeps nobody waiting. Raises
    DatabaseUnavailable; what this worker had taken is taken by another one when its lease has run out.
    """
    connections = current_app.config["SETTINGS"].web_threads + SPARE_CONNECTIONS
    threads = min(BOARD_THREADS, connections, preview_listings.how_many_takeable(preview_id))
    if threads:
        until = time.monotonic() + seconds
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        with ThreadPoolExecutor(threads, "preview") as pool:
            wait([pool.submit(copy_context().run, _work, app, preview_id, until) for _ in range(threads)], seconds)
            if preview_listings.how_many_takeable(preview_id):
                again()
    if preview_ends.finish_if_done(preview_id):
        log.info("preview finished", preview_id=preview_id)


def list_company(unit: Row[Any]) -> None:
    """List the board of a company that was taken, and store what came of it, whatever that is. Commits.

    Raises DatabaseUnavailable, and nothing else: what nobody thought of is logged and stored as a failure, so that it
    neither touches the other boards nor is tried for ever.
    """
    try:
        stored = preview_listings.store_listing(unit, _listed(unit))
    except SourceError as error:
        outcome = Outcome(error.code) if error.code in set(Outcome) else Outcome.UNREACHABLE
        stored = preview_listings.store_failure(unit, outcome, clean(error.detail), error.retry_at)
    except DatabaseUnavailable:
        raise
    except Exception:
        log.exception("board not listed", source=unit.source, board=unit.board)
        stored = preview_listings.store_failure(unit, Outcome.UNREACHABLE, FAULT)
    log.info("board listed", preview_id=unit.preview_id, source=unit.source, board=unit.board, stored=stored)


def clean(text: str) -> str:
    """The text without what PostgreSQL cannot hold. Changes nothing."""
    return UNSTORABLE.sub("", text)


def _work(app: Flask, preview_id: int, until: float) -> None:
    """One thread: take, list, store, until there is nothing to take or the slice is over."""
    with app.app_context():
        try:
            while time.monotonic() < until and (unit := preview_listings.take_company(preview_id)):
                list_company(unit)
        except DatabaseUnavailable as error:
            log.warning("preview not worked on", preview_id=preview_id, reason=error.reason)
        except Exception:
            log.exception("preview not worked on", preview_id=preview_id)


def _listed(unit: Row[Any]) -> Found:
    """What the board offers now. If it says that nothing is new, that is what it offered the last time."""
    known = preview_listings.known_listing(unit.preview_id, unit.position)
    validators = known.validators if known else None
    listing = list_board(current_app.extensions["sources"], unit.source, unit.board, validators, BOARD_SECONDS)
    if known and listing.not_modified:
        postings = preview_listings.known_postings(known)
        return Found([_decided(unit, posting) for posting in postings], True, known.unread, known.validators)
    records = list(_records(listing.postings))
    unread = listing.unread + len(listing.postings) - len(records)
    distinct = {record["external_id"]: record for record in reversed(records)}
    postings = [_decided(unit, record) for record in reversed(distinct.values())]
    return Found(postings, listing.is_complete, unread, listing.validators)


def _records(postings: Iterable[Posting]) -> Iterable[dict[str, Any]]:
    """The postings as they are stored, without those whose id is too long to be kept: cut off, it would be another."""
    for posting in postings:
        external_id = clean(posting.external_id)
        if not 0 < len(external_id) <= LONGEST_ID:
            continue
        yield {
            "external_id": external_id,
            "title": clean(posting.title),
            "url": clean(posting.url),
            "location": clean("; ".join(posting.locations)) or None,
            "department": _clean_or_none(posting.department),
            "workplace": posting.workplace if posting.workplace in WORKPLACES else None,
            "employment_type": _clean_or_none(posting.employment_type),
            "posted_at": posting.posted_at,
            "updated_at": posting.updated_at,
            "description": _clean_or_none(posting.description),
            "requirements": _clean_or_none(posting.requirements),
        }


def _decided(unit: Row[Any], record: dict[str, Any]) -> dict[str, Any]:
    rule = decide(record["title"], unit.include, unit.exclude)
    times = {name: _time(record[name]) for name in ("posted_at", "updated_at")}
    return {**record, **times, "taken": rule.taken, "rule_kind": rule.kind.value, "rule_term": rule.term}


def _clean_or_none(text: str | None) -> str | None:
    return clean(text) or None if text else None


def _time(time: datetime | None) -> str | None:
    """As PostgreSQL reads it; it knows fewer offsets from UTC than Python does."""
    try:
        return time.astimezone(UTC).isoformat() if time else None
    except OverflowError:
        return None
