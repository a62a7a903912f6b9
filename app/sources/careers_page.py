"""What a company's own careers page points to: boards, and the pages with its openings.

The page is anybody's: it is gone through once, from left to right, and never built into a tree, whose depth would be
the page's to choose.
"""

import html
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin

from app.sources.adapters.registry import SOURCES, match_url
from app.sources.board_token import Board, is_own_domain
from app.sources.parsing.html_tokens import apart, matches, without_comments
from app.sources.parsing.urls import split
from app.sources.types import Source

MAX_LINKS = 5000

KINDS = ("co", "com", "org", "net", "ac", "gov")

OPENINGS = re.compile(
    r"\b(open(ings?|[\W_]+(positions?|roles?|jobs?))|jobs?|careers?|positions?|vacanc(y|ies)|stellen\w*|karriere"
    r"|emplois?|carri[eè]res?|offres?|empleos?|vagas?|lavora\w*|vacatures?|we.re hiring|join us)\b",
    re.IGNORECASE,
)
"""What a link says, or where it leads, that has the openings behind it."""

ATTRIBUTE = re.compile(
    r"(?:href|src|action|content|data-[\w-]{1,40})\s{0,9}=\s{0,9}"
    r"""(?:"([^"]{1,2000})"|'([^']{1,2000})'|([^\s"'>]{1,2000}))""",
    re.IGNORECASE,
)
ANCHOR = re.compile(r"<a\s([^<>]{1,2000})>(?=([^\x00]{0,300}))", re.IGNORECASE)
"""A link's tag, and what is behind it."""

IN_SCRIPT = re.compile(r"https?:(?://|\\/\\/|(?:\\u002f){2})[^\s\"'<>`]{1,2000}", re.IGNORECASE)
"""An address in a script, its slashes escaped or not."""


def boards_on(page: bytes, address: str) -> list[tuple[Source, Board]]:
    """The boards that a page links to, embeds or names in its scripts, each once, in the order of the page."""
    found: dict[tuple[str, str], tuple[Source, Board]] = {}
    for number, url in enumerate(_addresses(page.decode("utf-8", "replace"), address)):
        if number >= MAX_LINKS:
            break
        if each := match_url(url):
            # One board, whatever its letters' case: pages are written by people.
            found.setdefault((each[0].key, str(each[1]).lower()), each)
    return list(found.values())


def marked_on(page: bytes, host: str) -> list[tuple[Source, Board]]:
    """The systems that a page on the company's own domain is made by, each with that host as the board."""
    found = []
    for source in SOURCES.values():
        if any(marker.encode() in page for marker in source.markers) and is_own_domain(host):
            found.append((source, source.board(host)))
    return found


def openings_on(page: bytes, address: SplitResult) -> list[SplitResult]:
    """The links of a page to where the company's openings may be, on its own hosts, each once, the best first."""
    found: dict[str, tuple[int, SplitResult]] = {}
    for href, text in _links(page.decode("utf-8", "replace")):
        url = _absolute(address.geturl(), href)
        if url is None or not _is_of_same_company(url, address):
            continue
        says, leads = OPENINGS.search(text), OPENINGS.search(f"{url.hostname}{url.path}")
        url = url._replace(fragment="")
        if (says or leads) and url != address._replace(fragment=""):
            found.setdefault(url.geturl(), (bool(says) + bool(leads), url))
    return [url for _, url in sorted(found.values(), key=lambda each: -each[0])]


def _is_of_same_company(url: SplitResult, here: SplitResult) -> bool:
    """Whether it is the same host, or one below the same last two names."""
    host, own = url.hostname or "", here.hostname or ""
    labels = own.split(".")[-3:]
    # Three names where the second says what kind of site it is, as in co.uk.
    shared = ".".join(labels if labels[-2:-1] and labels[-2:-1][0] in KINDS else labels[-2:])
    return url.netloc == here.netloc or (is_own_domain(own) and (host == shared or host.endswith(f".{shared}")))


def _links(page: str) -> Iterator[tuple[str, str]]:
    """Where each link leads, and what it says, without the tags in it."""
    for match, _ in zip(matches(ANCHOR, without_comments(page)), range(MAX_LINKS), strict=False):
        if href := ATTRIBUTE.search(match.group(1)):
            text = page_text(match.group(2))
            yield html.unescape(next(filter(None, href.groups()))), text


def page_text(markup: str) -> str:
    """What a piece of a page says, up to the end of the link that it begins in."""
    return html.unescape(re.sub(r"<[^<>]*+>", " ", re.split("</a", markup, maxsplit=1, flags=re.IGNORECASE)[0]))


def _addresses(page: str, address: str) -> Iterator[SplitResult]:
    markup, scripts = apart(without_comments(page))
    for match in matches(ATTRIBUTE, markup):
        if url := _absolute(address, html.unescape(next(filter(None, match.groups())))):
            yield url
    for match in matches(IN_SCRIPT, " ".join(scripts)):
        plain = re.sub(r"\\u002f", "/", match.group(), flags=re.IGNORECASE).replace("\\/", "/")
        if url := split(html.unescape(plain).rstrip("\\")):
            yield url


def _absolute(address: str, value: str) -> SplitResult | None:
    try:
        return split(urljoin(address, value.strip()))
    except ValueError:
        return None
