"""The postings of a listing that is being read, in as little memory as merging their duplicates permits."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from sys import getsizeof
from typing import NamedTuple

from app.sources.parsing.dates_and_places import EPOCH, MAX_LOCATIONS, unique
from app.sources.types import Posting

MICROSECOND = timedelta(microseconds=1)

ENTRY_BYTES = 100
"""The bytes of an entry in a dictionary, on average."""


class Known(NamedTuple):
    """The part of a posting that is kept for the case that it occurs again: all but its id, its URL and its texts."""

    title: str
    locations: tuple[str, ...]
    department: str | None
    workplace: str | None
    employment_type: str | None
    posted_at: datetime | None
    updated_at: datetime | None
    has_description: bool
    has_requirements: bool

    @classmethod
    def of(cls, posting: Posting) -> "Known":
        """Return this part of a posting."""
        return cls(
            *(posting.title, posting.locations, posting.department, posting.workplace, posting.employment_type),
            *(posting.posted_at, posting.updated_at),
            *(posting.description is not None, posting.requirements is not None),
        )

    def pack(self) -> bytes:
        """Return it as bytes, in less than half of the memory of its objects."""
        times = (time and (time - EPOCH) // MICROSECOND for time in (self.posted_at, self.updated_at))
        # A text from a board may contain a lone surrogate.
        fields = (*self[:5], *times, *map(int, self[7:]))
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    @classmethod
    def unpack(cls, packed: bytes) -> "Known":
        """Return what was packed."""
        title, locations, *more = json.loads(packed.decode("utf-8", "surrogatepass"))
        times = (None if time is None else EPOCH + time * MICROSECOND for time in more[3:5])
        return cls(title, tuple(locations), *more[:3], *times, *map(bool, more[5:]))


class KeptPostings:
    """The postings by external id: all of them with ``whole``, otherwise only what merging needs."""

    def __init__(self, *, whole: bool) -> None:
        self.size = 0
        """The bytes that the postings take without ``whole``."""
        self._packed: dict[str, bytes] = {}
        self._whole: dict[str, Posting] | None = {} if whole else None

    def __len__(self) -> int:
        return len(self._packed)

    @property
    def whole(self) -> tuple[Posting, ...]:
        """The postings in their order; empty without ``whole``."""
        return tuple(self._whole.values()) if self._whole else ()

    def get(self, identity: str) -> Known | None:
        """Return the posting with this id, or None."""
        packed = self._packed.get(identity)
        return None if packed is None else Known.unpack(packed)

    def put(self, posting: Posting) -> None:
        """Keep a posting, in place of the one with its id."""
        before = self._packed.get(posting.external_id)
        packed = Known.of(posting).pack()
        self.size += getsizeof(packed) - getsizeof(before) if before else getsizeof(packed) + _entry_size(posting)
        self._packed[posting.external_id] = packed
        if self._whole is not None:
            self._whole[posting.external_id] = posting


def merged(first: Known | None, again: Posting) -> Posting | None:
    """Merge two records of one posting; None if the second says nothing new. Some boards list one once per location.

    Only new places and texts count. The result has the texts of the second record, because those of the first are not
    in memory any more. So a record that lacks a text of the first says nothing new.
    """
    if first is None:
        return again
    locations = unique((*first.locations, *again.locations))[:MAX_LOCATIONS]
    now = Known.of(again)
    had, has = (first.has_description, first.has_requirements), (now.has_description, now.has_requirements)
    is_new = locations != first.locations or has != had
    lacks_text = any(one and not two for one, two in zip(had, has, strict=True))
    if lacks_text or not is_new:
        return None
    names = ("department", "workplace", "employment_type", "posted_at", "updated_at")
    fields = {name: value for name in names if (value := getattr(first, name)) is not None}
    return replace(again, title=first.title, locations=locations, **fields)


def _entry_size(posting: Posting) -> int:
    """Return the bytes of an id and its entry in the dictionary."""
    return getsizeof(posting.external_id) + ENTRY_BYTES
