"""The storing of listings: what each writes, and what it leaves alone."""

import pytest

from app.models import Outcome, ReadingState
from app.services.boards.storing import ListingStore
from app.services.boards.times import BoardTimes
from app.services.boards.truth import Verdict
from tests.support.board_rows import (
    COMPLETE,
    board_row,
    claim_board,
    kinds,
    listing_row,
    make_board,
    make_posting,
    posting_rows,
    revision_count,
)

TIMES = BoardTimes()


def judge_complete(past, reading, times):
    """Judge every listing as complete."""
    return Verdict(
        ReadingState.COMPLETE, Outcome.OK, None, past.evidence, ages=True, keeps_validators=True
    )


def store(board_id, *postings, seen=(), listing=COMPLETE, ago=0, schema=1, judge=judge_complete):
    """Claim the board, store a listing with these postings, and return its row."""
    stored = ListingStore(claim_board(board_id, ago), schema, TIMES, judge)
    stored.add(postings)
    stored.see(seen)
    return listing_row(stored.end(listing))


def counts(listing):
    """Return the counts of a listing: found, new, changed, unchanged, reopened, missing, closed."""
    return (
        listing.found, listing.new_postings, listing.changed_postings, listing.unchanged_postings,
        listing.reopened_postings, listing.missing_postings, listing.closed_postings,
    )


def test_first_listing_adds_all_postings_as_baseline(app):
    board_id = make_board()
    listing = store(board_id, make_posting(1), make_posting(2))
    assert counts(listing) == (2, 2, 0, 0, 0, 0, 0)
    assert (listing.state, listing.is_baseline, listing.code) == ("complete", True, "ok")
    found = posting_rows(board_id)
    assert [(row.is_baseline, row.first_seen_at, row.closed_at) for row in found.values()] == [
        (True, listing.began_at, None)
    ] * 2
    assert kinds(listing.listing_id) == [("1", "new"), ("2", "new")]
    board = board_row(board_id)
    assert (board.lease_id, board.attempt, board.schema_version, board.etag) == (None, 0, 1, '"tag"')
    assert board.listing_id == board.content_listing_id == board.complete_listing_id == listing.listing_id
    assert board.listed_at == board.complete_at == listing.ended_at
    assert board.content_began_at == board.validated_at == listing.began_at
