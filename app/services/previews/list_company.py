"""One board of a preview: listed, decided posting by posting, and stored, whatever comes of it."""

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
"""What listing one board may take."""

UNKNOWN_SOURCE = "This version does not know the system “{}”, so it cannot read its boards."
FAULT = "Something went wrong here while this board was read; the operator finds it in the log."


def list_company(unit: Row[Any]) -> None:
    """List the board of a company that was taken, and store what came of it, whatever that is. Commits.

    Raises DatabaseUnavailable, and nothing else: what nobody thought of is logged and stored as a failure, so that it
    neither touches the other boards nor is tried for ever.
    """
    try:
        stored = results.store_listing(unit, _listed(unit))
    except RateLimited:
        # Our own pace is no fault of the board; the end of the preview ends this.
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
    """What the board offers now. If it says that nothing is new, that is what it offered the last time."""
    if unit.source not in SOURCES:
        raise Unreachable(UNKNOWN_SOURCE.format(unit.source))
    version = SOURCES[unit.source].schema_version
    known = results.known_listing(unit.preview_id, unit.position, version)
    validators = known.validators if known else None
    listing = list_board(current_app.extensions["sources"], unit.source, unit.board, validators, BOARD_SECONDS)
    if known and listing.not_modified:
        postings = results.known_postings(known)
        decided = [_decided(unit, posting) for posting in postings]
        return ListingResult(decided, True, known.unread, known.validators, version, known.read_at)
    decided = [_decided(unit, _record(posting)) for posting in listing.postings]
    return ListingResult(decided, listing.is_complete, listing.unparsed, listing.validators, version)


def _record(posting: Posting) -> dict[str, Any]:
    """A posting as it is stored. What no database can keep, and what is there twice, a listing no longer has."""
    record = asdict(posting)
    return {**record, "location": "; ".join(record.pop("locations")) or None}


def _decided(unit: Row[Any], record: dict[str, Any]) -> dict[str, Any]:
    rule = decide(record["title"], unit.include, unit.exclude)
    times = {name: _time(record[name]) for name in ("posted_at", "updated_at")}
    return {**record, **times, "taken": rule.is_match, "rule_kind": rule.kind.value, "rule_term": rule.term}


def _time(time: datetime | None) -> str | None:
    """As PostgreSQL reads it; it knows fewer offsets from UTC than Python does."""
    try:
        return time.astimezone(UTC).isoformat() if time else None
    except OverflowError:
        return None
