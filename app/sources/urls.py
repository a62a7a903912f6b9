"""Taking web addresses apart."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from app.sources.boards import Board, is_label, is_token

RESERVED = {"embed", "api", "v0", "v1", "jobs", "static", "assets", "robots.txt", "favicon.ico", "_next"}
"""First parts of paths on the systems' own hosts that are no board."""

NO_COMPANY = RESERVED | {"www", "app", "docs", "support", "help", "status", "blog", "careers", "cdn", "mail"}
"""Names before a system's domain that are the system's own."""

HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""A name, with letters of any script, or an address; none with an interface in it."""


def split(text: str) -> SplitResult | None:
    """The parts of an absolute web address, host in lower case; None if it is none."""
    try:
        url = urlsplit(text.strip())
        # Raises for a port that is no number.
        url.port  # noqa: B018
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and HOST.fullmatch(url.hostname or "") else None


def is_web_address(text: str) -> bool:
    """Whether this is something that a link may lead to: http or https, with a host, and without control characters."""
    return split(text) is not None and all(character.isprintable() and character != " " for character in text)


def path_parts(url: SplitResult) -> list[str]:
    """The path's parts, decoded."""
    return [unquote(part).strip() for part in url.path.split("/") if part]


def token_of(parts: list[str], region: str = "") -> Board | None:
    """The board whose token stands first."""
    token = parts[0] if parts else ""
    return Board(token, region) if is_token(token) and token.lower() not in RESERVED else None


def token_before(domain: str, url: SplitResult, region: str = "") -> Board | None:
    """The board whose token is the one name that stands before the system's domain."""
    token, _, rest = (url.hostname or "").partition(".")
    return Board(token, region) if rest == domain and is_label(token) and token not in NO_COMPANY else None
