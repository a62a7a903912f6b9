"""Parsing and checking URLs."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from app.sources.board_token import Board, is_label, is_token

RESERVED = {"embed", "api", "v0", "v1", "jobs", "static", "assets", "robots.txt", "favicon.ico", "_next"}
"""First parts of paths on the sources' own hosts that are not boards."""

NO_COMPANY = RESERVED | {
    *("www", "app", "docs", "support", "help", "status", "blog", "careers"),
    *("cdn", "mail", "get", "info", "resources", "tracking"),
}
"""Subdomains that belong to the source itself, not to a company."""

SAFE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""The characters that ``split`` does not quote: all visible ASCII ones."""

MAX_LINK_LENGTH = 2000

MAX_SEGMENT_LENGTH = 500
"""Longer than any id that a posting may have."""

MAX_URL_LENGTH = 8000
"""A longer URL is not split or resolved. RFC 9110, 4.1, recommends at least this length."""

HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""A host name, with letters of any script, or an IP address without a network interface."""


def split(text: str) -> SplitResult | None:
    """Split an absolute http or https URL, with its host in lower case. Return None for anything else."""
    text = text.strip()
    if len(text) > MAX_URL_LENGTH:
        return None
    try:
        url = urlsplit(quote(text, safe=SAFE))
        # Raises ValueError for a port that is not a number.
        url.port  # noqa: B018
    except (ValueError, UnicodeError):
        return None
    return url if url.scheme in ("http", "https") and HOST.fullmatch(url.hostname or "") else None


def is_web_address(text: str) -> bool:
    """Return whether a URL may be a link: http or https, with a host, without user name or control characters."""
    plain = len(text) <= MAX_LINK_LENGTH and text.isascii() and text.isprintable() and " " not in text
    url = split(text) if plain else None
    return url is not None and url.username is None


def path_segment(text: str) -> str:
    """Return a text as one segment of a path.

    A board may send any id, so this cuts it at MAX_SEGMENT_LENGTH: quoting a byte takes a hundred times its memory.
    """
    return quote(text[:MAX_SEGMENT_LENGTH], safe="", errors="replace")


def link(text: str | None, fallback: str) -> str:
    """Return the tidied URL, or the fallback for anything else. Companies forget the scheme and leave spaces in."""
    given = (text or "").strip()
    if len(given) > MAX_URL_LENGTH:
        return fallback
    if re.match(r"www\.[\w-]+\.", given):
        given = f"https://{given}"
    url = split(given)
    return url.geturl() if url and is_web_address(url.geturl()) else fallback


def resolved(base: str, text: str | None) -> str | None:
    """Resolve a link on the page at ``base``, tidied. None if it is not a web address."""
    given = (text or "").strip()
    try:
        url = split(urljoin(base, given)) if 0 < len(given) <= MAX_URL_LENGTH else None
    except ValueError:
        return None
    return url.geturl() if url and is_web_address(url.geturl()) else None


def path_parts(url: SplitResult) -> list[str]:
    """Return the parts of the path, decoded."""
    return [unquote(part).strip() for part in url.path.split("/") if part]


def token_of(parts: list[str], region: str = "") -> Board | None:
    """Return the board whose token is the first of the parts, or None if that part cannot be a token."""
    token = parts[0] if parts else ""
    return Board(token, region) if is_token(token) and token.lower() not in RESERVED else None


def token_before(domain: str, url: SplitResult, region: str = "") -> Board | None:
    """Return the board whose token is the subdomain of the source's domain, or None for any other host."""
    token, _, rest = (url.hostname or "").partition(".")
    return Board(token, region) if rest == domain and is_label(token) and token not in NO_COMPANY else None
