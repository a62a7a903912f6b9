"""The names of boards."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

MAX_BOARD_LENGTH = 200
MAX_TOKEN_LENGTH = 180

TOKEN = "{token}"
"""Stands in the base address of a system where every company has a host of its own."""


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


def board_in_host(board: Board, *, own_domains: bool, is_whole: bool = False) -> Board:
    """The same board where its token is part of a host's name, in lower case as those are; or, with ``own_domains``,
    the whole of one.

    With ``is_whole`` it can be nothing else than that. Raises ValueError, with a sentence.
    """
    token = board.token.lower()
    if is_whole and not is_own_domain(token):
        raise ValueError("The name of such a board is the whole name of its host, like careers.acme.com.")
    if not is_label(token) and not ((own_domains or is_whole) and is_own_domain(token)):
        alternative = ", or is the company's own domain" if own_domains else ""
        raise ValueError(f"A board's name has the letters a to z, digits and - only{alternative}.")
    return Board(token, board.region)


def with_token(base: str, board: Board) -> str:
    """A base address with the board's token where it belongs, if it does: a company's own domain is the whole host."""
    scheme, _, rest = base.partition("://")
    if is_own_domain(board.token) and rest.startswith(f"{TOKEN}."):
        return f"{scheme}://{board.token}"
    return base.replace(TOKEN, quote(board.token, safe=""))


def rate_limit_key(base: str) -> str:
    """Whose turns all who are asked below a base address take together; "" where everybody has turns of their own.

    ``{token}`` is left as it is, so that it is one name for all companies of a system.
    """
    host = urlsplit(base).netloc.lower()
    return "" if host == TOKEN else host


def site_of(board: Board, domain: str) -> str:
    """The host of a board that has one: a name before the system's domain, or the company's own."""
    return board.token if is_own_domain(board.token) else f"{board.token}.{domain}"


def is_own_domain(token: str) -> bool:
    """Whether this is a whole host's name, and not an IP address."""
    labels = token.split(".")
    return len(labels) > 1 and all(map(is_label, labels)) and not labels[-1].isdigit() and len(labels[-1]) > 1


def is_label(token: str) -> bool:
    """Whether this may stand between two dots of a host's name."""
    return bool(re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", token))


def is_token(token: str) -> bool:
    """Whether this may be a board's token."""
    return len(token) <= MAX_TOKEN_LENGTH and bool(re.fullmatch(r"[^\W_](?:[\w .'&+-]*[\w.'&+-])?", token))
