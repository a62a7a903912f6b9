"""A listing under construction: its postings, its limits, and the requests that are not sent yet."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from sys import getsizeof
from urllib.parse import urlencode

from app.sources.parsing.dates_and_places import MAX_LOCATIONS, unique
from app.sources.parsing.postings import MAX_ID_LENGTH, Batch
from app.sources.types import MAX_RECORDS, Listing, ListingRequest, Page, Posting, Source, Validators

MAX_KEPT_BYTES = 24_000_000
"""The most memory of a listing's postings without their texts, in bytes. The postings beyond it are left out, and the
listing is incomplete. A real posting takes 600 bytes. Only a command keeps the texts too."""

MAX_TEXT_CHARACTERS = 100_000_000
"""The most characters in the descriptions and requirements of a listing: 20,000 postings of 5,000 characters."""

PassOn = Callable[[list[Posting]], None]


@dataclass
class ListingBuilder:
    """A listing under construction, to which the postings of its pages are added batch by batch."""

    source: Source
    with_texts: bool = True
    on_postings: PassOn | None = None
    """A function that gets the postings with their texts as soon as they are read; then no text is kept."""
    postings: dict[str, Posting] = field(default_factory=dict)
    """By external id."""
    size: int = 0
    """The bytes that the postings take in memory, without their texts."""
    characters: int = 0
    """The characters in the texts of the postings."""
    unparsed: int = 0
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

    def add_postings(self, batch: Batch, *, is_leaf: bool) -> None:
        """Add the postings of a batch, and pass on those that are new or have more places or texts than before."""
        changed: dict[str, Posting] = {}
        for posting in batch.postings:
            if added := self._add(posting, is_leaf):
                earlier = changed.get(added.external_id)
                changed[added.external_id] = _merge(earlier, added) if earlier else added
            if self.is_full:
                break
        self.unparsed += batch.unparsed
        self.characters += batch.characters
        if self.characters > MAX_TEXT_CHARACTERS:
            self.stop()
        if self.on_postings and changed:
            self.on_postings(list(changed.values()))

    def add_page(self, page: Page, board_name: str | None) -> None:
        """Add the rest of a page, after its postings."""
        self.unparsed += page.faults.count
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
        merged = _merge(same, posting) if same else posting
        if merged == same:
            return None
        self.size += _size(merged) - (_size(same) if same else 0)
        if self.size > MAX_KEPT_BYTES or (same is None and len(self.postings) >= MAX_RECORDS):
            self.stop()
            return None
        self.postings[merged.external_id] = merged if self.on_postings is None else _without_texts(merged)
        return replace(merged, description=merged.description or None, requirements=merged.requirements or None)

    def _enqueue(self, requests: Iterable[ListingRequest]) -> None:
        """Add new requests to the queue. Those beyond the source's limits count as unparsed."""
        for request in requests:
            key = f"{request.path}?{urlencode(request.query)}"
            limit = self.source.max_indexes if request.is_index else self.source.max_requests
            if key in self.queued:
                continue
            if self.queued_by_kind[request.is_index] >= limit:
                self.unparsed += 1
                continue
            self.queued.add(key)
            self.queued_by_kind[request.is_index] += 1
            self.queue.append(request)

    def build(self, validators: Validators) -> Listing:
        """Return the listing."""
        is_complete = self.is_complete and not self.unparsed and (self.total is None or self.records >= self.total)
        return Listing(
            () if self.on_postings else tuple(self.postings.values()),
            is_complete,
            len(self.postings),
            self.unparsed,
            self.board_name,
            validators,
            skipped_pages=self.skipped_pages,
        )


def _size(posting: Posting) -> int:
    """Return the bytes that a posting takes in memory, without its description and requirements."""
    fields = (posting.external_id, posting.title, posting.url, posting.department, posting.employment_type)
    return sum(map(getsizeof, (*fields, *posting.locations)))


def _without_texts(posting: Posting) -> Posting:
    """Return the posting with an empty text in place of each text, so that it is known to have one."""
    description, requirements = ("" if text else None for text in (posting.description, posting.requirements))
    return replace(posting, description=description, requirements=requirements)


def _merge(first: Posting, again: Posting) -> Posting:
    """Merge two records of one posting. Some boards list a posting once per location or per language."""
    return replace(
        first,
        locations=unique((*first.locations, *again.locations))[:MAX_LOCATIONS],
        description=again.description if first.description is None else first.description,
        requirements=again.requirements if first.requirements is None else first.requirements,
    )
