"""Lines that people read: which characters have no place in them."""

import re

_ORDERS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Orders about the direction of writing: unseen, they could make a name look like another."""

_JOINERS = "\u200c\u200d"
"""Without them some scripts, and many an emoji, are written wrongly. At an end they join nothing."""


def strip_invisible(line: str) -> str:
    """The line without blanks at its ends and without orders about the direction of writing."""
    return _ORDERS.sub("", line).strip().strip(_JOINERS).strip()


def is_printable_line(line: str) -> bool:
    """Whether all of it can be printed, in one line."""
    return all(character.isprintable() or character in _JOINERS for character in line)


def clean_line(line: str, longest: int) -> str:
    """The line without whatever cannot be printed, cut to so many characters; blanks of any kind are blanks."""
    kept = (character for character in " ".join(line.split()) if is_printable_line(character))
    return strip_invisible(strip_invisible("".join(kept))[:longest])
