"""The content of a posting: a hash that decides if it has changed, and a fingerprint that describes by how much."""

import hashlib

from app.sources.types import Posting

HASH_VERSION = 1

CONTENT_FIELDS = ("title", "locations", "workplace", "employment_type", "pay", "description", "requirements")
"""The fields that the hash covers. Dates and addresses are left out: they change without a change of the posting."""


def content_hash(posting: Posting) -> int:
    """Return the first 8 bytes of SHA-256 over CONTENT_FIELDS, as a signed integer."""
    content = repr([getattr(posting, name, None) for name in CONTENT_FIELDS]).encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], signed=True)


def simhash(posting: Posting) -> int | None:
    """Return the SimHash of the texts' shingles of 3 words, as a signed integer; None for fewer than 200 words."""
    return None
