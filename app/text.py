"""Clean texts of characters that a user cannot see or that PostgreSQL cannot store, and shorten them."""

import codecs
import re
import unicodedata

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot encode."""

_ENCODING = re.compile(r"ascii|utf-(8|16|32)|iso8859|cp\d|koi8|mac-|gb|big5|shift_jis|euc_|iso2022|tis-620")
"""Names of encodings that are decoded in linear time. Python has others, like punycode and idna, which take minutes."""

_DIRECTION_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of writing. They are invisible, and can make one name look like another."""

_JOINERS = "\u200c\u200d"
"""Zero-width joiners: some scripts and many emoji need them inside a word. At the ends of a text they do nothing."""


def strip_invisible(line: str) -> str:
    """Remove direction marks everywhere, and blanks and joiners at both ends."""
    return _DIRECTION_MARKS.sub("", line).strip().strip(_JOINERS).strip()


def is_printable_line(line: str) -> bool:
    """Return whether every character can be printed in one line."""
    for joiner in _JOINERS:
        line = line.replace(joiner, "")
    return line.isprintable()


def clean_line(text: str, max_length: int | None = None) -> str:
    """Return the text as one printable line of at most ``max_length`` characters; white space becomes single blanks."""
    kept = (character for character in " ".join(text.split()) if is_printable_line(character))
    return strip_invisible(strip_invisible("".join(kept))[:max_length])


def shorten(text: str, max_length: int) -> str:
    """Return the text with at most ``max_length`` characters, an ellipsis in place of what is cut."""
    return text if len(text) <= max_length else f"{text[:max_length - 1]}…"


def canonical(text: str) -> str:
    """Return the Unicode normalization form C. It takes long for many combining marks, so limit the length before."""
    return unicodedata.normalize("NFC", text)


def is_encoding(name: str) -> bool:
    """Return whether this is the name of an encoding of texts that Python decodes quickly."""
    try:
        return bool(_ENCODING.match(codecs.lookup(name).name))
    except (LookupError, ValueError):
        return False


def storable(text: str) -> str:
    """Remove the characters that cannot be stored."""
    return UNSTORABLE.sub("", text)
