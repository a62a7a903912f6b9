"""Store a listing: its revisions in batches while it is read, then everything else by one guarded statement."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from app.models import Outcome
from app.services.boards.claim import Claim
from app.services.boards.content import HASH_VERSION, content_hash
from app.services.boards.past import OpenPosting, open_posting_ids, open_postings, read_past
from app.services.boards.readings import Result, StoredListing, end_reading
from app.services.boards.revisions import (
    MAX_BATCH_LENGTH,
    MAX_BATCH_POSTINGS,
    posting_length,
    read_texts,
    remove_revisions,
    store_revisions,
)
from app.services.boards.times import BoardTimes
from app.services.boards.truth import Failure, Past, Reading, Verdict, Witness, judge_failure, judge_listing
from app.sources.types import Listing as SourceListing
from app.sources.types import Posting

MIN_RETRY_SECONDS = 5.0
"""The least time for which a failed listing answers. A pause that is over before those who wait are answered would
answer nobody, and the board would be read again at once."""

ListingJudge = Callable[[Past, Reading, BoardTimes], Verdict]
FailureJudge = Callable[[Past, Failure, BoardTimes], Verdict]


class Batch:
    """Postings that wait to be stored together, each id once."""

    def __init__(self) -> None:
        self.postings: dict[str, Posting] = {}
        self.length = 0

    def put(self, posting: Posting) -> Posting:
        """Put a posting in, and return it. It replaces one with the same id, and keeps a text that it lacks itself."""
        earlier = self.postings.pop(posting.external_id, None)
        if earlier is not None:
            self.length -= posting_length(earlier)
            posting = fill_texts(posting, earlier)
        self.postings[posting.external_id] = posting
        self.length += posting_length(posting)
        return posting

    def has_room(self, posting: Posting) -> bool:
        """Return whether the posting fits in. An empty batch has room for any."""
        fits = self.length + posting_length(posting) <= MAX_BATCH_LENGTH and len(self.postings) < MAX_BATCH_POSTINGS
        return fits or not self.postings

    def take(self) -> list[Posting]:
        """Return the postings and empty the batch."""
        postings = list(self.postings.values())
        self.postings, self.length = {}, 0
        return postings


class ListingStore:
    """The listing of a claimed board under construction. Each method commits, and raises LeaseLost.

    Of an unchanged posting only its id and hash stay in memory, of another one its revision's id, too.
    """

    def __init__(
        self, claim: Claim, schema_version: int, times: BoardTimes, judge: ListingJudge = judge_listing
    ) -> None:
        """Remove the revisions that an interrupted attempt has left."""
        self._claim, self._schema_version, self._times, self._judge = claim, schema_version, times, judge
        # Another parser may read the same posting in another way.
        self._is_silent = claim.schema_version not in (None, schema_version)
        self._known: dict[str, OpenPosting] | None = None
        self._hashes: dict[str, int] = {}
        """The hash of each posting."""
        self._revisions: dict[str, int] = {}
        """The revisions of this listing: of the postings that are new or changed, once they are stored."""
        self._returned: dict[str, Row[Any]] = {}
        """The closed postings with unchanged content: the ids of each and of its revision."""
        self._unparsed: set[str] = set()
        self._replaced: list[int] = []
        self._wanted, self._repeated = Batch(), Batch()
        remove_revisions(claim, schema_version)

    def add(self, postings: Iterable[Posting]) -> None:
        """Add postings; store the texts of those that are new or changed. A posting that occurs again replaces."""
        for posting in postings:
            if posting.external_id in self._wanted.postings:
                self._hashes[posting.external_id] = content_hash(self._wanted.put(posting))
            elif posting.external_id in self._hashes:
                if not self._repeated.has_room(posting):
                    self._add_repeated()
                self._repeated.put(posting)
            else:
                self._add(posting)

    def see(self, external_ids: Iterable[str]) -> None:
        """Add records of which only the id could be read. They count as seen."""
        self._unparsed.update(external_ids)

    def end(self, listing: SourceListing) -> StoredListing:
        """Judge the listing, store it, and end the reading and its lease."""
        if listing.not_modified:
            return self._end_unchanged()
        self._store_wanted()
        self._add_repeated()
        self._store_wanted()
        known = self._open()
        lacking = [
            row.posting_id
            for external_id, row in known.items()
            if external_id not in self._hashes and external_id not in self._unparsed
        ]
        result = Result(
            found=len(self._hashes),
            unparsed=listing.unparsed,
            schema_version=self._schema_version,
            revisions=tuple(self._revisions.values()),
            replaced=tuple(self._replaced),
            back=(*self._found_again(known), *(row.posting_id for row in self._returned.values())),
            lacking=tuple(lacking),
            validators=listing.validators,
        )
        return self._end(known.values(), result, is_whole=listing.is_complete)

    def _end_unchanged(self) -> StoredListing:
        """End a reading that the board answered with 304: only what is missing already can change."""
        rows = open_posting_ids(self._claim.board_id)
        missing = [row.posting_id for row in rows if row.missing_since is not None]
        result = Result(
            found=len(rows) - len(missing),
            schema_version=self._schema_version,
            lacking=tuple(missing),
        )
        return self._end(rows, result, is_whole=True)

    def _end(self, rows: Iterable[OpenPosting | Row[Any]], result: Result, *, is_whole: bool) -> StoredListing:
        past, unparsed = read_past(self._claim.board_id, rows)
        if result.unparsed is None:
            result = replace(result, unparsed=unparsed)
        reading = Reading(
            witness=Witness(self._claim.listing_id, self._claim.began_at),
            found=result.found or 0,
            unparsed=result.unparsed or 0,
            lacking=frozenset(result.lacking),
            is_whole=is_whole,
            is_unchanged=result.validators is None,
        )
        verdict = self._judge(past, reading, self._times)
        return end_reading(self._claim, verdict, result, self._times, past)

    def _open(self) -> dict[str, OpenPosting]:
        """Return the open postings by external id; read them at the first call, for a 304 needs none."""
        if self._known is None:
            self._known = open_postings(self._claim.board_id)
        return self._known

    def _add(self, posting: Posting) -> None:
        """Note a posting, and put it aside for storing if it has changed."""
        found, known = content_hash(posting), self._open().get(posting.external_id)
        if known and (known.content_hash, known.hash_version) == (found, HASH_VERSION):
            # The same object: 60,000 equal ones would take 2 MB.
            self._hashes[posting.external_id] = known.content_hash
            return
        self._hashes[posting.external_id] = found
        if not self._wanted.has_room(posting):
            self._store_wanted()
        self._wanted.put(posting)

    def _store_wanted(self) -> None:
        """Store the texts that were put aside, and drop them from memory."""
        if not self._wanted.postings:
            return
        hashed = [(posting, self._hashes[posting.external_id]) for posting in self._wanted.take()]
        for row in store_revisions(self._claim, self._schema_version, hashed, is_silent=self._is_silent):
            if row.posting_id is None:
                self._revisions[row.external_id] = row.revision_id
            elif row.external_id not in self._open():
                self._returned[row.external_id] = row

    def _add_repeated(self) -> None:
        """Replace postings that are noted or stored already. They keep a text that the later ones lack."""
        if not self._repeated.postings:
            return
        self._store_wanted()
        repeated = self._repeated.take()
        texts = read_texts([self._revision_of(posting.external_id) for posting in repeated])
        for posting in repeated:
            external_id, posting = posting.external_id, fill_texts(posting, texts[posting.external_id])
            if content_hash(posting) == self._hashes[external_id]:
                continue
            if (revision := self._revisions.pop(external_id, None)) is not None:
                self._replaced.append(revision)
            self._returned.pop(external_id, None)
            self._add(posting)

    def _revision_of(self, external_id: str) -> int:
        """Return the revision that has the content of a posting which is noted or stored already."""
        if (revision := self._revisions.get(external_id)) is not None:
            return revision
        return int((self._returned.get(external_id) or self._open()[external_id]).revision_id)

    def _found_again(self, known: dict[str, OpenPosting]) -> list[int]:
        """Return the open postings that were missing, are seen now, and have no new content.

        One with new content is left out, for PostgreSQL would carry out only one of a statement's two updates of a row.
        """
        missing = {external_id: row for external_id, row in known.items() if row.missing_since is not None}
        return [
            row.posting_id
            for external_id, row in missing.items()
            if (external_id in self._hashes or external_id in self._unparsed) and external_id not in self._revisions
        ]


def store_failure(
    claim: Claim,
    code: Outcome,
    sentence: str,
    retry_at: datetime | None,
    *,
    is_missing: bool,
    times: BoardTimes,
    judge: FailureJudge = judge_failure,
) -> StoredListing:
    """End a reading that failed, and its lease. Commits. Raises LeaseLost.

    ``is_missing`` is true if the source answered 404 or 410 for the board itself.
    """
    rows = open_posting_ids(claim.board_id)
    past, _ = read_past(claim.board_id, rows)
    witness = Witness(claim.listing_id, claim.began_at)
    verdict = judge(past, Failure(witness, code, sentence, retry_at, is_missing), times)
    # This machine's clock and PostgreSQL's may differ; the span between two times of the same clock does not.
    seconds = max(MIN_RETRY_SECONDS, (retry_at - datetime.now(UTC)).total_seconds()) if retry_at else None
    result = Result(lacking=tuple(row.posting_id for row in rows), retry_seconds=seconds)
    return end_reading(claim, verdict, result, times, past)


def fill_texts(posting: Posting, earlier: Any) -> Posting:
    """Return the posting with the texts of an earlier one, where it has none itself."""
    description = earlier.description if posting.description is None else posting.description
    requirements = earlier.requirements if posting.requirements is None else posting.requirements
    return replace(posting, description=description, requirements=requirements)
