"""Listings of boards, stored as a worker stores them, with verdicts that a test chooses."""

from collections.abc import Callable, Iterable
from typing import Any

from app.models import Outcome, ReadingState
from app.services.boards.storing import ListingStore
from app.services.boards.times import BoardTimes
from app.services.boards.truth import Verdict
from app.sources.types import Listing, Posting
from tests.support.board_rows import COMPLETE, claim_board, listing_row

TIMES = BoardTimes()

Judge = Callable[..., Verdict]


def judge_as(state: ReadingState, **values: Any) -> Judge:
    """Return a judge with this verdict on everything. Evidence stays as it is, unless it is given."""

    def judge(past: Any, _judged: Any, _times: Any) -> Verdict:
        return Verdict(**{"state": state, "code": Outcome.OK, "sentence": None, "evidence": past.evidence, **values})

    return judge


judge_complete = judge_as(ReadingState.COMPLETE, ages=True, keeps_validators=True)


def store(
    board_id: int,
    *postings: Posting,
    seen: Iterable[str] = (),
    listing: Listing = COMPLETE,
    ago: float = 0,
    schema: int = 1,
    judge: Judge = judge_complete,
) -> Any:
    """Claim the board this many seconds ago, store a listing with these postings, and return its row."""
    stored = ListingStore(claim_board(board_id, ago), schema, TIMES, judge)
    stored.add(postings)
    stored.see(seen)
    return listing_row(stored.end(listing).listing_id)


def close(board_id: int) -> None:
    """Close all postings of a board by two listings, the last of them now."""
    store(board_id, ago=4000)
    store(board_id)


def counts(listing: Any) -> tuple[int | None, ...]:
    """Return the counts of a listing: found, new, changed, unchanged, reopened, missing, closed."""
    return (
        listing.found,
        listing.new_postings,
        listing.changed_postings,
        listing.unchanged_postings,
        listing.reopened_postings,
        listing.missing_postings,
        listing.closed_postings,
    )
