"""The content of a posting: a hash that decides if it has changed, and a fingerprint that describes by how much."""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b, sha256

from app.sources.types import Posting
from app.text import canonical

HASH_VERSION = 1
"""The version of the algorithm. Any change of ``content_hash`` raises it, else every posting would count as changed."""

CONTENT_FIELDS = ("title", "locations", "workplace", "employment_type", "pay", "description", "requirements")
"""The fields that the hash covers. Dates and addresses are left out: they change without a change of the posting."""

MIN_SIMHASH_WORDS = 200
"""Shorter texts have no fingerprint: one changed word would already change many of its bits."""

SHINGLE_WORDS = 3
DIGEST_BYTES = 8

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width characters and direction marks. Editors leave them in a text, and lose them again."""


def content_hash(posting: Posting) -> int:
    """Return the first 8 bytes of SHA-256 over CONTENT_FIELDS, as a signed integer."""
    values = _content(posting)
    # JSON tells a missing field from an empty one, and no text can look like the border of two fields.
    document = json.dumps([values[name] for name in CONTENT_FIELDS], ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(sha256(document.encode()).digest()[:8], "big", signed=True)


def simhash(posting: Posting) -> int | None:
    """Return the SimHash of the texts' shingles of 3 words, as a signed integer; None for fewer than 200 words.

    Of 550 words, 1 % changed turn 5 of its 64 bits, and 5 % turn 11; two different texts differ in 32 (Manku, Jain,
    Das Sarma 2007: Detecting near-duplicates for web crawling).
    """
    words = _plain(f"{posting.description or ''} {posting.requirements or ''}").lower().encode().split()
    if len(words) < MIN_SIMHASH_WORDS:
        return None
    shingles = zip(*(words[start:] for start in range(SHINGLE_WORDS)))
    digests = b"".join([blake2b(b" ".join(shingle), digest_size=DIGEST_BYTES).digest() for shingle in shingles])
    return _majority(digests)


def _content(posting: Posting) -> Mapping[str, object]:
    """Return the canonical value of each field of CONTENT_FIELDS."""
    return {
        "title": _plain(posting.title),
        # Boards list the same places in another order from one reading to the next.
        "locations": sorted({_plain(location) for location in posting.locations}),
        "workplace": posting.workplace,
        "employment_type": _plain_or_none(posting.employment_type),
        # No source's pay is read yet.
        "pay": None,
        "description": _plain_or_none(posting.description),
        "requirements": _plain_or_none(posting.requirements),
    }


def _plain_or_none(text: str | None) -> str | None:
    return None if text is None else _plain(text)


def _plain(text: str) -> str:
    """Return a text in normal form C, without invisible characters, all white space as single blanks."""
    return " ".join(canonical(_INVISIBLE.sub("", text)).split())


def _majority(digests: bytes) -> int:
    """Return, for each bit of a digest, whether more than half of the digests have it, as one signed integer.

    The same byte of all digests is one large integer, so that a bit of all of them is counted at once.
    """
    number, value = len(digests) // DIGEST_BYTES, 0
    masks = [int.from_bytes(bytes([1 << bit]) * number, "big") for bit in reversed(range(8))]
    for position in range(DIGEST_BYTES):
        column = int.from_bytes(digests[position::DIGEST_BYTES], "big")
        for mask in masks:
            value = value << 1 | (2 * (column & mask).bit_count() > number)
    return int.from_bytes(value.to_bytes(DIGEST_BYTES, "big"), "big", signed=True)
