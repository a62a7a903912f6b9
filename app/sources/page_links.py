"""What a company's own careers page points to: boards, and the pages with its openings."""

import html
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin

from selectolax.lexbor import LexborHTMLParser

from app.sources.boards import Board, is_own_domain
from app.sources.records import Source
from app.sources.registry import SOURCES, recognise
from app.sources.urls import split

ATTRIBUTES = ("href", "src", "action", "data-src", "data-url", "content")
MOST_LINKS = 5000
KINDS = ("co", "com", "org", "net", "ac", "gov")

OPENINGS = re.compile(
    r"\b(open(ings?|[\W_]+(positions?|roles?|jobs?))|jobs?|careers?|positions?|vacanc(y|ies)|stellen\w*|karriere"
    r"|emplois?|carri[eè]res?|offres?|empleos?|vagas?|lavora\w*|vacatures?|we.re hiring|join us)\b",
    re.IGNORECASE,
)
"""What a link says, or where it leads, that has the openings behind it."""

IN_SCRIPT = re.compile(r"https?:(?:\\?/){2}[^\s\"'<>`\\]+(?:\\?/[^\s\"'<>`\\]*)*")
"""An address in a script, its slashes escaped or not."""


def boards_on(page: bytes, address: str) -> list[tuple[Source, Board]]:
    """The boards that a page links to, embeds or names in its scripts, each once, in the order of the page."""
    found = (recognise(url) for url in _addresses(page, address))
    return list({(source.key, board): (source, board) for each in found if each for source, board in [each]}.values())


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
    for node in LexborHTMLParser(page).css("a[href]")[:MOST_LINKS]:
        url = _absolute(address.geturl(), node.attributes.get("href") or "")
        if url is None or not _is_of_same_company(url, address):
            continue
        says, leads = OPENINGS.search(node.text()[:200]), OPENINGS.search(f"{url.hostname}{url.path}")
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


def _addresses(page: bytes, address: str) -> Iterator[SplitResult]:
    tree = LexborHTMLParser(page)
    count = 0
    for node in tree.css(",".join(f"[{name}]" for name in ATTRIBUTES)):
        for name in ATTRIBUTES:
            if (value := node.attributes.get(name)) and (url := _absolute(address, value)):
                yield url
                count += 1
        if count >= MOST_LINKS:
            return
    for script in tree.css("script"):
        for match in IN_SCRIPT.findall(script.text()):
            if url := split(html.unescape(match.replace("\\/", "/"))):
                yield url


def _absolute(address: str, value: str) -> SplitResult | None:
    try:
        return split(urljoin(address, value.strip()))
    except ValueError:
        return None
