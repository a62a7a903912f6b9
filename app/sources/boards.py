"""The names of boards."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

LONGEST_BOARD = 200
LONGEST_TOKEN = 180


@dataclass(frozen=True)
class Board:
    """One company's board. Written ``token``, or ``region:token`` where a system has several hosts."""

    token: str
    region: str = ""

    def __str__(self) -> str:
        return f"{self.region}:{self.token}" if self.region else self.token


def read_board(text: str, regions: Iterable[str]) -> Board:
    """The board that a person or a row of the database names. Raises ValueError, with a sentence.

    A token goes into an address: it has no slash, no control character, and is no way out of its folder.
    """
    region, colon, rest = text.strip().partition(":")
    region, token = (region, rest) if colon else ("", region)
    token = unquote(token).strip()
    if region not in regions:
        raise ValueError(f"There is no region {region!r} of this system.")
    if not is_token(token):
        raise ValueError("A board's name has letters, digits, blanks and . _ - ' & + only.")
    return Board(token, region)


def is_token(token: str) -> bool:
    """Whether this may be a board's token."""
    return len(token) <= LONGEST_TOKEN and bool(re.fullmatch(r"[^\W_](?:[\w .'&+-]*[\w.'&+-])?", token))
