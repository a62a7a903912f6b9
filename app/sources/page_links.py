"""The boards that a company's own careers page points to.

The page is anybody's: it is gone through once, from left to right, and never built into a tree, whose depth would be
the page's to choose.
"""

import html
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin

from app.sources.boards import Board
from app.sources.records import Source
from app.sources.registry import recognise
from app.sources.urls import split

MOST_ADDRESSES = 5000

ATTRIBUTE = re.compile(
    r"(?:href|src|action|content|data-[\w-]{1,40})\s{0,9}=\s{0,9}"
    r"""(?:"([^"]{1,2000})"|'([^']{1,2000})'|([^\s"'>]{1,2000}))""",
    re.IGNORECASE,
)
IN_SCRIPT = re.compile(r"https?:(?://|\\/\\/|(?:\\u002f){2})[^\s\"'<>`]{1,2000}", re.IGNORECASE)
"""An address in a script, its slashes escaped or not."""


def boards_on(page: bytes, address: str) -> list[tuple[Source, Board]]:
    """The boards that a page links to, embeds or names in its scripts, each once, in the order of the page."""
    found: dict[tuple[str, str], tuple[Source, Board]] = {}
    for number, url in enumerate(_addresses(page.decode("utf-8", "replace"), address)):
        if number >= MOST_ADDRESSES:
            break
        if each := recognise(url):
            # One board, whatever its letters' case: pages are written by people.
            found.setdefault((each[0].key, str(each[1]).lower()), each)
    return list(found.values())


def _addresses(page: str, address: str) -> Iterator[SplitResult]:
    markup, scripts = _apart(_without_comments(page))
    for match in ATTRIBUTE.finditer(markup):
        if url := _absolute(address, html.unescape(next(filter(None, match.groups())))):
            yield url
    for match in IN_SCRIPT.finditer(scripts):
        plain = re.sub(r"\\u002f", "/", match.group(), flags=re.IGNORECASE).replace("\\/", "/")
        if url := split(html.unescape(plain).rstrip("\\")):
            yield url


def _without_comments(page: str) -> str:
    return "".join(text for text, _ in _cut(page, "<!--", "-->"))


def _apart(page: str) -> tuple[str, str]:
    """The markup, with the scripts' own tags, and what is within the scripts."""
    pieces = list(_cut(page, "<script", "</script"))
    scripts = (script.partition(">") for _, script in pieces)
    heads, bodies = zip(*((head, body) for head, _, body in scripts), strict=True)
    return " ".join((*(text for text, _ in pieces), *heads)), " ".join(bodies)


def _cut(page: str, start: str, end: str) -> Iterator[tuple[str, str]]:
    """What is before each part from ``start`` to ``end``, and the part; one that has no end goes on to the page's."""
    lowered, position = page.lower(), 0
    while (begin := lowered.find(start, position)) >= 0:
        finish = lowered.find(end, begin)
        finish = len(page) if finish < 0 else finish
        inside = begin + len(start)
        yield page[position:begin], page[inside:finish]
        position = finish + len(end)
    yield page[position:], ""


def _absolute(address: str, value: str) -> SplitResult | None:
    try:
        return split(urljoin(address, value.strip()))
    except ValueError:
        return None
