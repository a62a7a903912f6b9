"""List one board of a preview, apply the filters to each posting, and store the result, success or failure."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import Row

from app.errors import DatabaseUnavailable
from app.models import Outcome
from app.services.previews import leases, results
from app.services.previews.results import ListingResult
from app.sources.adapters.registry import SOURCES
from app.sources.errors import OutOfTime, RateLimited, SourceError, Unreachable
from app.sources.listing import list_board
from app.sources.title_filter import decide
from app.sources.types import Posting
from app.text import storable

log = structlog.get_logger(__name__)

BOARD_SECONDS = 90
"""Seconds that listing one board may take."""

UNKNOWN_SOURCE = "This version does not support the source “{}”, so it cannot read its boards."
FAULT = "This board could not be read."


def list_company(unit: Row[Any]) -> None:
    """List the board of a claimed company, and store the result, success or failure. Commits.

    Raises DatabaseUnavailable only. An unexpected error is logged and stored as a failure, so that it affects no other
    board and is not retried for ever.
    """
    try:
        stored = results.store_listing(unit, _listed(unit))
    except RateLimited:
        # Our own rate limit is no fault of the board; the preview's deadline ends the retries.
        stored = leases.snooze(unit, counted=False)
    except SourceError as error:
        if isinstance(error, OutOfTime) and unit.attempt < leases.MAX_ATTEMPTS:
            leases.snooze(unit, counted=True)
            return
        outcome = Outcome(error.code) if error.code in set(Outcome) else Outcome.UNREACHABLE
        stored = results.store_failure(unit, outcome, storable(error.detail), error.retry_at)
    except DatabaseUnavailable:
        raise
    except Exception:
        log.exception("board not listed", source=unit.source, board=unit.board)
        stored = results.store_failure(unit, Outcome.UNREACHABLE, FAULT)
    log.info("board listed", preview_id=unit.preview_id, source=unit.source, board=unit.board, stored=stored)


def _listed(unit: Row[Any]) -> ListingResult:
    """List the board. If the source answers that nothing has changed, return the postings of the last listing."""
    if unit.source not in SOURCES:
        raise Unreachable(UNKNOWN_SOURCE.format(unit.source))
    version = SOURCES[unit.source].schema_version
    previous = results.previous_listing(unit.preview_id, unit.position, version)
    validators = previous.validators if previous else None
    listing = list_board(current_app.extensions["sources"], unit.source, unit.board, validators, BOARD_SECONDS)
    if previous and listing.not_modified:
        postings = results.previous_postings(previous)
        decided = [_decided(unit, posting) for posting in postings]
        return ListingResult(decided, True, previous.unread, previous.validators, version, previous.read_at)
    decided = [_decided(unit, _record(posting)) for posting in listing.postings]
    return ListingResult(decided, listing.is_complete, listing.unparsed, listing.validators, version)


def _record(posting: Posting) -> dict[str, Any]:
    """Return a posting as it is stored. A listing has no unstorable or duplicate postings."""
    record = asdict(posting)
    return {**record, "location": "; ".join(record.pop("locations")) or None}


def _decided(unit: Row[Any], record: dict[str, Any]) -> dict[str, Any]:
    rule = decide(record["title"], unit.include, unit.exclude)
    times = {name: _time(record[name]) for name in ("posted_at", "updated_at")}
    return {**record, **times, "taken": rule.is_match, "rule_kind": rule.kind.value, "rule_term": rule.term}


def _time(time: datetime | None) -> str | None:
    """Format a time for PostgreSQL, in UTC: it accepts fewer offsets than Python does."""
    try:
        return time.astimezone(UTC).isoformat() if time else None
    except OverflowError:
        return None
