"""Read one claimed board, and store its listing, success or failure."""

import structlog
from flask import current_app

from app.errors import DatabaseUnavailable
from app.models import Outcome
from app.services.boards import leases
from app.services.boards.claim import Claim
from app.services.boards.errors import LeaseLost
from app.services.boards.readings import StoredListing
from app.services.boards.storing import ListingStore, store_failure
from app.services.boards.times import board_times
from app.sources.adapters.registry import SOURCES
from app.sources.deadline import Deadline
from app.sources.errors import NotWanted, RateLimited, SourceError
from app.sources.listing import list_board
from app.text import storable

log = structlog.get_logger(__name__)

EXHAUSTED = "This product failed to read the board in {} attempts. Try again later."


def read_board(claim: Claim, deadline: Deadline) -> StoredListing | None:
    """Read a claimed board and end its reading; return the listing, or None if there is none. Commits.

    There is none if the lease was lost, if the deadline was stopped, or if the board is to be tried later.
    Raises DatabaseUnavailable only. An unexpected error is no fault of the board: it is logged, and the board is tried
    again, up to ``BoardTimes.exhausted_attempts`` times.
    """
    try:
        stored = _read(claim, deadline)
    except LeaseLost:
        stored = None
    except DatabaseUnavailable:
        raise
    except Exception:
        log.exception("board not read", source=claim.source, board=claim.board)
        stored = _retry_or_fail(claim)
    state = stored.state.value if stored else None
    log.info("board read", source=claim.source, board=claim.board, listing_id=claim.listing_id, state=state)
    return stored


def end_exhausted(claim: Claim) -> StoredListing | None:
    """End a reading whose last attempt has died, as failed; None if the lease was lost. Commits."""
    sentence = EXHAUSTED.format(board_times().exhausted_attempts)
    try:
        return store_failure(claim, Outcome.OUT_OF_TIME, sentence, None, is_missing=False, times=board_times())
    except LeaseLost:
        return None


def _read(claim: Claim, deadline: Deadline) -> StoredListing | None:
    """Read the board and store its listing or its failure. Raises LeaseLost."""
    times = board_times()
    try:
        store = ListingStore(claim, SOURCES[claim.source].schema_version, times)
        listing = list_board(
            current_app.extensions["sources"],
            claim.source,
            claim.board,
            claim.validators,
            deadline,
            on_postings=store.add,
            on_seen=store.see,
        )
        return store.end(listing)
    except RateLimited:
        # Our own rate limit is no fault of the board; the deadlines of those who wait end the retries.
        leases.snooze(claim, times, counted=False)
    except NotWanted:
        leases.release([claim])
    except SourceError as error:
        code = Outcome(error.code) if error.code in set(Outcome) else Outcome.UNREACHABLE
        sentence = storable(error.detail)
        return store_failure(claim, code, sentence, error.retry_at, is_missing=error.is_missing, times=times)
    return None


def _retry_or_fail(claim: Claim) -> StoredListing | None:
    """Snooze a board after a fault of ours; end its reading after the last attempt. Commits."""
    times = board_times()
    if claim.attempt < times.exhausted_attempts:
        leases.snooze(claim, times, counted=True)
        return None
    return end_exhausted(claim)
