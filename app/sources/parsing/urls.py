"""Taking web addresses apart."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from app.sources.board_token import Board, is_label, is_token

RESERVED = {"embed", "api", "v0", "v1", "jobs", "static", "assets", "robots.txt", "favicon.ico", "_next"}
"""First parts of paths on the systems' own hosts that are no board."""

NO_COMPANY = RESERVED | {
    *("www", "app", "docs", "support", "help", "status", "blog", "careers"),
    *("cdn", "mail", "get", "info", "resources", "tracking"),
}
"""Names before a system's domain that are the system's own."""

SAFE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What stays as it is when an address is written in the characters that addresses have: all of ASCII that is seen."""

MAX_LINK_LENGTH = 2000

HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""A name, with letters of any script, or an address; none with an interface in it."""


def split(text: str) -> SplitResult | None:
    """The parts of an absolute web address, host in lower case; None if it is none."""
    try:
        url = urlsplit(quote(text.strip(), safe=SAFE))
        # Raises for a port that is no number.
        url.port  # noqa: B018
    except (ValueError, UnicodeError):
        return None
    return url if url.scheme in ("http", "https") and HOST.fullmatch(url.hostname or "") else None


def is_web_address(text: str) -> bool:
    """Whether a link may lead there: http or https, with a host, without anybody's name or characters of control."""
    url = split(text)
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= MAX_LINK_LENGTH
    return plain and url is not None and url.username is None


def link(text: str | None, otherwise: str) -> str:
    """The web address that was meant, or the other one: companies forget the scheme, and leave blanks in."""
    given = (text or "").strip()
    if re.match(r"www\.[\w-]+\.", given):
        given = f"https://{given}"
    url = split(given)
    return url.geturl() if url and is_web_address(url.geturl()) else otherwise


def resolved(base: str, text: str | None) -> str | None:
    """The web address that a link on a page leads to, tidied; None if it leads nowhere."""
    try:
        url = split(urljoin(base, text.strip())) if text and text.strip() else None
    except ValueError:
        return None
    return url.geturl() if url and is_web_address(url.geturl()) else None


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
