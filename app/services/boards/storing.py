"""Store a listing: its revisions in batches while it is read, then everything else by one guarded statement."""

from collections.abc import Iterable
from datetime import datetime

from app.models import Outcome
from app.services.boards.claim import Claim
from app.services.boards.times import BoardTimes
from app.sources.types import Listing as SourceListing
from app.sources.types import Posting


class ListingStore:
    """The listing of a claimed board under construction. Each method commits, and raises LeaseLost."""

    def __init__(self, claim: Claim, schema_version: int, times: BoardTimes) -> None:
        """Remove the revisions that an interrupted attempt has left, and read the hashes of the open postings."""
        raise NotImplementedError

    def add(self, postings: Iterable[Posting]) -> None:
        """Add postings; store the texts of those that are new or changed. A posting that occurs again replaces."""
        raise NotImplementedError

    def see(self, external_ids: Iterable[str]) -> None:
        """Add records of which only the id could be read. They count as seen."""
        raise NotImplementedError

    def end(self, listing: SourceListing) -> int:
        """Judge the listing, store it, and end the reading and its lease. Return the listing's id."""
        raise NotImplementedError


def store_failure(
    claim: Claim, code: Outcome, sentence: str, retry_at: datetime | None, *, is_missing: bool, times: BoardTimes
) -> int:
    """End a reading that failed, and its lease. Commits. Return the listing's id. Raises LeaseLost.

    ``is_missing`` is true if the source answered 404 or 410 for the board itself.
    """
    raise NotImplementedError
