"""The boards that a company's own careers page points to."""

import html
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin

from selectolax.lexbor import LexborHTMLParser

from app.sources.boards import Board
from app.sources.records import Source
from app.sources.registry import recognise
from app.sources.urls import split

ATTRIBUTES = ("href", "src", "action", "data-src", "data-url", "content")
MOST_LINKS = 5000
IN_SCRIPT = re.compile(r"https?:(?:\\?/){2}[^\s\"'<>`\\]+(?:\\?/[^\s\"'<>`\\]*)*")
"""An address in a script, its slashes escaped or not."""


def boards_on(page: bytes, address: str) -> list[tuple[Source, Board]]:
    """The boards that a page links to, embeds or names in its scripts, each once, in the order of the page."""
    found = (recognise(url) for url in _addresses(page, address))
    return list({(source.key, board): (source, board) for each in found if each for source, board in [each]}.values())


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
