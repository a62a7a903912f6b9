"""Board names: their parsing, and their use in URLs and rate-limit keys."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

MAX_BOARD_LENGTH = 200
MAX_TOKEN_LENGTH = 180

TOKEN_PLACEHOLDER = "{token}"
"""The placeholder for the board's token in the base address of a source where each company has a host of its own."""


@dataclass(frozen=True)
class Board:
    """One company's board. Written ``token``, or ``region:token`` if the source has several regions."""

    token: str
    region: str = ""

    def __str__(self) -> str:
        return f"{self.region}:{self.token}" if self.region else self.token


def read_board(text: str, regions: Iterable[str]) -> Board:
    """Parse the name of a board, as a user or a database row gives it. Raises ValueError with a sentence for users.

    A token becomes part of a URL. It has no slash and no control character, so it cannot change the rest of the path.
    """
    region, colon, rest = text.strip().partition(":")
    region, token = (region, rest) if colon else ("", region)
    token = unquote(token).strip()
    if region not in regions:
        raise ValueError(f"This source has no region {region!r}.")
    if not is_token(token):
        raise ValueError("A board's name may contain only letters, digits, spaces and . _ - ' & +.")
    return Board(token, region)


def check_host_token(board: Board, *, own_domains: bool, is_whole: bool = False) -> Board:
    """Return the board with its token in lower case, as part of a host name. Raises ValueError with a sentence.

    With ``own_domains`` the token may also be a company's own domain; with ``is_whole`` it must be a whole host name.
    """
    token = board.token.lower()
    if is_whole and not is_own_domain(token):
        raise ValueError("The board's name must be the whole host name of the site, like careers.acme.com.")
    if not is_label(token) and not ((own_domains or is_whole) and is_own_domain(token)):
        alternative = ", or be the company's own domain" if own_domains else ""
        raise ValueError(f"A board's name may contain only the letters a to z, digits and -{alternative}.")
    return Board(token, board.region)


def with_token(base: str, board: Board) -> str:
    """Return a base address with the board's token in place of ``{token}``.

    A company's own domain replaces the whole host.
    """
    scheme, _, rest = base.partition("://")
    if is_own_domain(board.token) and rest.startswith(f"{TOKEN_PLACEHOLDER}."):
        return f"{scheme}://{board.token}"
    return base.replace(TOKEN_PLACEHOLDER, quote(board.token, safe=""))


def rate_limit_key(base: str) -> str:
    """Return the key under which all requests to this base address share one rate limit; "" means one per host.

    ``{token}`` stays in the key, so that all companies of a source share it.
    """
    host = urlsplit(base).netloc.lower()
    return "" if host == TOKEN_PLACEHOLDER else host


def is_system_host(base: str, host: str) -> bool:
    """Return whether a host is the one of a base address, or below the domain in which ``{token}`` stands for a name.

    A company's own domain is not. A base without a domain of its own, like ``https://{token}``, has no such hosts.
    """
    domain = urlsplit(base).netloc.lower().removeprefix(TOKEN_PLACEHOLDER)
    return bool(domain) and (host == domain or (domain.startswith(".") and host.endswith(domain)))


def host_of(board: Board, domain: str) -> str:
    """Return the host of a board: a subdomain of the source's domain, or the company's own domain."""
    return board.token if is_own_domain(board.token) else f"{board.token}.{domain}"


def is_own_domain(token: str) -> bool:
    """Return whether this is a whole host name, and not an IP address."""
    labels = token.split(".")
    return len(labels) > 1 and all(map(is_label, labels)) and not labels[-1].isdigit() and len(labels[-1]) > 1


def is_label(token: str) -> bool:
    """Return whether this is one label of a host name: the part between two dots."""
    return bool(re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", token))


def is_token(token: str) -> bool:
    """Return whether this may be a board's token."""
    return len(token) <= MAX_TOKEN_LENGTH and bool(re.fullmatch(r"[^\W_](?:[\w .'&+-]*[\w.'&+-])?", token))
