"""The content of a posting: a hash that decides if it has changed, and a fingerprint that describes by how much."""

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

MAX_CACHED_WORDS = 20_000
"""The words whose hashes are kept, until they are forgotten all at once: 3 MB."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width characters and direction marks. Editors leave them in a text, and lose them again."""

_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
"""White space that is not in ASCII."""

_ASCII = bytes(range(128))
_BLANKS = bytes.maketrans(b"\t\v\f\r\x1c\x1d\x1e\x1f", b" " * 8)
"""All white space of ASCII becomes blanks, except the ends of lines."""


def content_hash(posting: Posting) -> int:
    """Return the first 8 bytes of SHA-256 over CONTENT_FIELDS, as a signed integer.

    The fields are netstrings, so a missing field differs from an empty one, and no text looks like the border of two.
    """
    values = _content(posting)
    document = b"".join([_netstring(values[name]) for name in CONTENT_FIELDS])
    return int.from_bytes(sha256(document).digest()[:8], "big", signed=True)


def simhash(posting: Posting) -> int | None:
    """Return the SimHash of the texts' shingles of 3 words, as a signed integer; None for fewer than 200 words.

    Of 550 words, 1 % changed turn 5 of its 64 bits, and 5 % turn 11; two different texts differ in 32 (Manku, Jain,
    Das Sarma 2007: Detecting near-duplicates for web crawling).
    """
    words = _visible(f"{posting.description or ''} {posting.requirements or ''}").lower().split()
    if len(words) < MIN_SIMHASH_WORDS:
        return None
    return _majority(_shingle_columns(words), len(words) - SHINGLE_WORDS + 1)


def _content(posting: Posting) -> Mapping[str, bytes | None]:
    """Return the canonical value of each field of CONTENT_FIELDS."""
    return {
        "title": _plain(posting.title),
        # Boards list the same places in another order from one reading to the next.
        "locations": b"".join(map(_netstring, sorted(set(map(_plain, posting.locations))))),
        "workplace": _plain_or_none(posting.workplace),
        "employment_type": _plain_or_none(posting.employment_type),
        # No source's pay is read yet.
        "pay": None,
        "description": _plain_or_none(posting.description),
        "requirements": _plain_or_none(posting.requirements),
    }


def _netstring(value: bytes | None) -> bytes:
    """Return the bytes with their number before them; a dash for None."""
    return b"-," if value is None else b"%d:%b," % (len(value), value)


def _plain_or_none(text: str | None) -> bytes | None:
    return None if text is None else _plain(text)


def _plain(text: str) -> bytes:
    """Return a text as UTF-8 in normal form C, without invisible characters, all white space as single blanks."""
    lines = _visible(text).encode().translate(_BLANKS).split(b"\n")
    data = b" ".join(filter(None, lines))
    # Texts of postings come without double blanks. Not to split them into words saves half of the time.
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.strip(b" ")


def _visible(text: str) -> str:
    """Return a text in normal form C, without invisible characters, all white space as that of ASCII."""
    if text.isascii():
        return text
    # A search in the few other characters takes a tenth of one in the text.
    others = text.encode().translate(None, _ASCII).decode()
    if _INVISIBLE.search(others):
        text = _INVISIBLE.sub("", text)
    if _WIDE_SPACE.search(others):
        text = _WIDE_SPACE.sub(" ", text)
    return canonical(text)


class _WordHashes(dict[str, bytes]):
    """The hashes of words. Most words of a text occur in others, too; a look-up takes a tenth of a hash."""

    def __missing__(self, word: str) -> bytes:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        self[word] = found = blake2b(word.encode(), digest_size=DIGEST_BYTES).digest()
        return found


_word_hashes = _WordHashes()


def _shingle_columns(words: list[str]) -> list[int]:
    """Return the hashes of the shingles by columns: an integer of the first byte of each, of the second, and so on.

    A shingle's hash is the XOR of its words' hashes, the second rotated by 3 bytes and the third by 6: so the order of
    the words counts.
    """
    hashes = b"".join(map(_word_hashes.__getitem__, words))
    columns = [int.from_bytes(hashes[position::DIGEST_BYTES], "little") for position in range(DIGEST_BYTES)]
    # Shifted by a byte, a column has the next word's in the place of each word's.
    return [
        columns[position] ^ columns[(position + 3) % DIGEST_BYTES] >> 8 ^ columns[(position + 6) % DIGEST_BYTES] >> 16
        for position in range(DIGEST_BYTES)
    ]


def _majority(columns: list[int], number: int) -> int:
    """Return, for each bit of a hash, whether more than half of this number of hashes have it, as a signed integer.

    A bit of all hashes is counted at once. What the columns have behind the last hash is left out.
    """
    masks = [int.from_bytes(bytes([1 << bit]) * number, "little") for bit in reversed(range(8))]
    value = 0
    for column in columns:
        for mask in masks:
            value = value << 1 | (2 * (column & mask).bit_count() > number)
    return int.from_bytes(value.to_bytes(DIGEST_BYTES, "big"), "big", signed=True)
