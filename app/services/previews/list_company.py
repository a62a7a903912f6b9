"""List one board of a preview, apply the filters to each posting, and store the result, success or failure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import Row

from app.errors import DatabaseUnavailable
from app.models import Outcome
from app.services.previews import leases, posting_batches, results
from app.services.previews.completion import EXHAUSTED
from app.services.previews.results import ListingResult, PreviousListing
from app.sources.adapters.registry import SOURCES
from app.sources.deadline import Deadline
from app.sources.errors import OutOfTime, RateLimited, SourceError
from app.sources.listing import list_board
from app.sources.title_filter import TitleFilter
from app.sources.types import Posting
from app.text import storable

log = structlog.get_logger(__name__)

BOARD_SECONDS = 90
"""Seconds that listing one board may take."""

UNKNOWN_SOURCE = "This version does not support the source “{}”, so it cannot read its boards."


def list_company(unit: Row[Any]) -> None:
    """List the board of a claimed company, and store the result, success or failure. Commits.

    Raises DatabaseUnavailable only. An unexpected error is no fault of the board: it is logged, and the company is
    tried again, up to MAX_ATTEMPTS times.
    """
    try:
        posting_batches.remove_postings(unit)
        stored = _list(unit)
    except leases.LeaseLost:
        stored = False
    except DatabaseUnavailable:
        raise
    except Exception:
        log.exception("board not listed", source=unit.source, board=unit.board)
        stored = _retry_or_fail(unit, EXHAUSTED)
    log.info("board listed", preview_id=unit.preview_id, source=unit.source, board=unit.board, stored=stored)


def _list(unit: Row[Any]) -> bool:
    """List the board and store the result or the board's failure. Returns whether it was stored. Raises LeaseLost."""
    if unit.source not in SOURCES:
        return _retry_or_fail(unit, UNKNOWN_SOURCE.format(unit.source))
    try:
        return results.store_listing(unit, _listed(unit, Deadline.of(BOARD_SECONDS)))
    except RateLimited:
        # Our own rate limit is no fault of the board; the preview's deadline ends the retries.
        return leases.snooze(unit, counted=False)
    except SourceError as error:
        if isinstance(error, OutOfTime) and unit.attempt < leases.MAX_ATTEMPTS:
            return leases.snooze(unit, counted=True)
        outcome = Outcome(error.code) if error.code in set(Outcome) else Outcome.UNREACHABLE
        return results.store_failure(unit, outcome, storable(error.detail), error.retry_at)


def _retry_or_fail(unit: Row[Any], detail: str) -> bool:
    """Snooze a company after a fault of ours; fail it after its last attempt. Commits."""
    if unit.attempt < leases.MAX_ATTEMPTS:
        return leases.snooze(unit, counted=True)
    return results.store_fault(unit, detail)


def _listed(unit: Row[Any], deadline: Deadline) -> ListingResult:
    """List the board and store its postings as they arrive. Raises SourceError and LeaseLost.

    If the source answers that nothing has changed, copy the postings of the last listing.
    """
    version, title_filter = SOURCES[unit.source].schema_version, TitleFilter(unit.include, unit.exclude)
    previous = results.previous_listing(unit.preview_id, unit.position, version)
    listing = list_board(
        current_app.extensions["sources"],
        unit.source,
        unit.board,
        previous.validators if previous else None,
        deadline.left,
        on_postings=lambda postings: _store(unit, postings, title_filter, deadline),
    )
    if previous and listing.not_modified:
        _copy(unit, previous, title_filter, deadline)
        return ListingResult(True, previous.unread, previous.validators, version, previous.read_at)
    return ListingResult(listing.is_complete, listing.unparsed, listing.validators, version)


def _store(unit: Row[Any], postings: Iterable[Posting], title_filter: TitleFilter, deadline: Deadline) -> None:
    """Decide on postings and store them, in batches. Raises OutOfTime and LeaseLost."""
    records = ({**_record(posting), **_decision(title_filter, posting.title, deadline)} for posting in postings)
    for batch in posting_batches.batches(records):
        posting_batches.store_postings(unit, batch)


def _copy(unit: Row[Any], previous: PreviousListing, title_filter: TitleFilter, deadline: Deadline) -> None:
    """Decide on the postings of an earlier listing and copy them, in batches. Raises OutOfTime and LeaseLost."""
    decisions = (
        {"posting_id": each.posting_id, "length": each.length, **_decision(title_filter, each.title, deadline)}
        for each in posting_batches.previous_titles(previous.preview_id, previous.position)
    )
    copies = sum(posting_batches.copy_postings(unit, batch) for batch in posting_batches.batches(decisions))
    if copies != previous.found:
        raise RuntimeError("The earlier listing was removed while it was copied.")


def _record(posting: Posting) -> posting_batches.Record:
    """Return a posting as it is stored. A listing has no unstorable postings."""
    texts = {name: getattr(posting, name) for name in posting_batches.TEXTS if name != "location"}
    times = {name: _time(getattr(posting, name)) for name in posting_batches.TIMES}
    return {**texts, **times, "location": "; ".join(posting.locations) or None}


def _decision(title_filter: TitleFilter, title: str, deadline: Deadline) -> posting_batches.Record:
    """Apply the company's filters to a title. Raises OutOfTime."""
    deadline.check()
    rule = title_filter.decide(title)
    return {"taken": rule.is_match, "rule_kind": rule.kind.value, "rule_term": rule.term}


def _time(time: datetime | None) -> str | None:
    """Format a time for PostgreSQL, in UTC: it accepts fewer offsets than Python does."""
    try:
        return time.astimezone(UTC).isoformat() if time else None
    except OverflowError:
        return None
