"""The postings of a listing that is being read, in as little memory as merging their duplicates permits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from sys import getsizeof

from app.sources.parsing.dates_and_places import MAX_LOCATIONS, unique
from app.sources.types import Posting


class KeptPostings:
    """The postings by external id. Without ``with_texts`` they are packed, and of a text only its presence is kept."""

    def __init__(self, *, with_texts: bool) -> None:
        self.size = 0
        """The bytes that the postings take, packed and without their texts."""
        self._with_texts = with_texts
        self._kept: dict[str, bytes | Posting] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Posting]:
        return (_unpacked(identity, kept) for identity, kept in self._kept.items())

    def get(self, identity: str) -> Posting | None:
        """Return a posting, or None. An empty text stands for one that is not kept."""
        kept = self._kept.get(identity)
        return None if kept is None else _unpacked(identity, kept)

    def put(self, posting: Posting) -> None:
        """Keep a posting, in place of the one with its id."""
        before = self.get(posting.external_id)
        self.size += _size(posting) - (_size(before) if before else 0)
        self._kept[posting.external_id] = posting if self._with_texts else _packed(posting)


def merged(first: Posting | None, again: Posting) -> Posting | None:
    """Merge two records of one posting; None if the second says nothing new. Some boards list one once per location.

    Only new places and texts count. The texts are those of the second record, because those of the first may not be in
    memory any more. So a record that lacks a text of the first says nothing new.
    """
    if first is None:
        return again
    locations = unique((*first.locations, *again.locations))[:MAX_LOCATIONS]
    texts = [(first.description, again.description), (first.requirements, again.requirements)]
    is_new = locations != first.locations or any(one is None and two is not None for one, two in texts)
    if not is_new or any(one is not None and two is None for one, two in texts):
        return None
    return replace(first, locations=locations, description=again.description, requirements=again.requirements)


def _size(posting: Posting) -> int:
    return getsizeof(posting.external_id) + len(_packed(posting))


def _packed(posting: Posting) -> bytes:
    """Return everything but the id and the texts. Measured: 60,000 postings take half of what their objects take."""
    fields = (
        *(posting.title, posting.url, posting.locations, posting.department, posting.workplace),
        posting.employment_type,
        *(time.isoformat() if time else None for time in (posting.posted_at, posting.updated_at)),
        *("" if text is not None else None for text in (posting.description, posting.requirements)),
    )
    # A text from a board may contain a lone surrogate.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _unpacked(identity: str, kept: bytes | Posting) -> Posting:
    if isinstance(kept, Posting):
        return kept
    fields = json.loads(kept.decode("utf-8", "surrogatepass"))
    title, url, locations, department, workplace, employment_type, posted, updated, *texts = fields
    posted_at, updated_at = (datetime.fromisoformat(time) if time else None for time in (posted, updated))
    start = (identity, title, url, tuple(locations), department, workplace, employment_type)
    return Posting(*start, posted_at, updated_at, *texts)
