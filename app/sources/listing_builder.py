"""A listing under construction: its postings, its limits, and the requests that are not sent yet."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from app.sources.parsing.json_record import MAX_ID_LENGTH
from app.sources.parsing.kept_postings import KeptPostings, merged
from app.sources.parsing.postings import Batch
from app.sources.types import MAX_RECORDS, Listing, ListingRequest, Page, Posting, Source, Validators

MAX_KEPT_BYTES = 24_000_000
"""The most memory for what is kept of a listing's postings, in bytes. The postings beyond it are left out, and the
listing is incomplete. A real posting takes 320 bytes. Only a command keeps whole postings, in memory of its own."""

MAX_TEXT_CHARACTERS = 250_000_000
"""The most characters in the descriptions and requirements of a listing: 60,000 postings of 4,000 characters."""

PassOn = Callable[[list[Posting]], None]

PassOnIds = Callable[[list[str]], None]


@dataclass
class ListingBuilder:
    """A listing under construction, to which the postings of its pages are added batch by batch."""

    source: Source
    with_texts: bool = True
    on_postings: PassOn | None = None
    """A function that gets the postings with their texts as soon as they are read; then no text is kept."""
    on_seen: PassOnIds | None = None
    """A function that gets the ids of records that could not be parsed otherwise, as soon as they are read."""
    postings: KeptPostings = field(init=False)
    characters: int = 0
    """The characters in the texts of the postings."""
    unparsed: int = 0
    """All records and pages that could not be parsed."""
    lost: int = 0
    """Those of which not even an id could be read."""
    records: int = 0
    pages: int = 0
    is_complete: bool = True
    is_full: bool = False
    """True if a limit was reached, so that nothing more is read."""
    total: int | None = None
    board_name: str | None = None
    skipped_pages: int = 0
    queue: deque[ListingRequest] = field(default_factory=deque)
    """The requests that responses have led to and that are not sent yet."""
    queued: set[str] = field(default_factory=set)
    """The paths and queries of all requests that were ever in the queue."""
    queued_by_kind: Counter[bool] = field(default_factory=Counter)
    """The number of these requests, by ``is_index``."""

    def __post_init__(self) -> None:
        self.postings = KeptPostings(whole=self.on_postings is None)

    def add_postings(self, batch: Batch, *, is_leaf: bool) -> None:
        """Add the postings of a batch, and pass on those that are new or have more places or texts than before."""
        changed: dict[str, Posting] = {}
        for posting in batch.postings:
            if added := self._add(posting, is_leaf):
                changed[added.external_id] = added
            if self.is_full:
                break
        self.unparsed += batch.unparsed
        self.lost += batch.lost
        self.characters += batch.characters
        if self.characters > MAX_TEXT_CHARACTERS:
            self.stop()
        if self.on_postings and changed:
            self.on_postings(list(changed.values()))
        # One record has one id, but a web page's posting may have been stored under its URL (see _add).
        seen = [each for record in batch.unread for each in record.external_ids[: None if is_leaf else 1]]
        if self.on_seen and seen:
            self.on_seen(seen)

    def lose(self, pages: int = 1) -> None:
        """Count pages that could not be read. They make the listing incomplete."""
        self.unparsed += pages
        self.lost += pages

    def add_page(self, page: Page, board_name: str | None) -> None:
        """Add the rest of a page, after its postings."""
        self.unparsed += page.faults.count
        self.lost += page.faults.lost
        self.records += page.records
        self.pages += 1
        self.is_complete = self.is_complete and page.is_whole
        self.is_full = self.is_full or self.records >= MAX_RECORDS
        self.total = page.total if page.total is not None else self.total
        self.board_name = self.board_name or board_name
        self.skipped_pages += page.skipped_pages
        self._enqueue(page.follow_up)

    def stop(self) -> None:
        """Read nothing more. The listing is incomplete."""
        self.is_complete, self.is_full = False, True

    def _add(self, posting: Posting, is_leaf: bool) -> Posting | None:
        """Add a posting, and return it if it says something new. Stop if it does not fit any more."""
        same = self.postings.get(posting.external_id)
        if same and is_leaf and same.title != posting.title and len(posting.url) <= MAX_ID_LENGTH:
            # Two pages use one id for two jobs; their URLs tell them apart.
            posting, same = replace(posting, external_id=posting.url), self.postings.get(posting.url)
        found = merged(same, posting)
        if found is None:
            return None
        if self.postings.size > MAX_KEPT_BYTES or (same is None and len(self.postings) >= MAX_RECORDS):
            self.stop()
            return None
        self.postings.put(found)
        return found

    def _enqueue(self, requests: Iterable[ListingRequest]) -> None:
        """Add new requests to the queue. Those beyond the source's limits are lost pages."""
        for request in requests:
            key = f"{request.path}?{urlencode(request.query)}"
            limit = self.source.max_indexes if request.is_index else self.source.max_requests
            if key in self.queued:
                continue
            if self.queued_by_kind[request.is_index] >= limit:
                self.lose()
                continue
            self.queued.add(key)
            self.queued_by_kind[request.is_index] += 1
            self.queue.append(request)

    def build(self, validators: Validators) -> Listing:
        """Return the listing."""
        is_complete = self.is_complete and not self.lost and (self.total is None or self.records >= self.total)
        return Listing(
            self.postings.whole,
            is_complete,
            len(self.postings),
            self.unparsed,
            self.board_name,
            validators,
            skipped_pages=self.skipped_pages,
        )
