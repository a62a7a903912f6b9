"""The links of a company's careers page: to boards, and to pages with its openings.

The page is not trusted. It is searched once, from left to right. It is never parsed to a tree, because the page could
choose the tree's depth.
"""

import html
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import SplitResult, urljoin

from app.sources.adapters.registry import SOURCES, match_url
from app.sources.board_token import is_own_domain
from app.sources.parsing.html_tokens import matches, split_scripts, without_comments
from app.sources.parsing.urls import split
from app.sources.types import SourceBoard

MAX_LINKS = 5000

MAX_CANDIDATES = 20_000
"""The most attributes, and the most texts in scripts, that are examined for a URL."""

SECOND_LEVEL_LABELS = ("co", "com", "org", "net", "ac", "gov")

OPENINGS = re.compile(
    r"\b(open(ings?|[\W_]+(positions?|roles?|jobs?))|jobs?|careers?|positions?|vacanc(y|ies)|stellen\w*|karriere"
    r"|emplois?|carri[eè]res?|offres?|empleos?|vagas?|lavora\w*|vacatures?|we.re hiring|join us)\b",
    re.IGNORECASE,
)
"""Words in the text or the URL of a link to openings."""

ATTRIBUTE = re.compile(
    r"(?:href|src|action|content|data-[\w-]{1,40})\s{0,9}=\s{0,9}"
    r"""(?:"([^"]{1,2000})"|'([^']{1,2000})'|([^\s"'>]{1,2000}))""",
    re.IGNORECASE,
)
ANCHOR = re.compile(r"<a\s([^<>]{1,2000})>(?=([^\x00]{0,300}))", re.IGNORECASE)
"""A link's tag, and the markup after it."""

IN_SCRIPT = re.compile(r"https?:(?://|\\/\\/|(?:\\u002f){2})[^\s\"'<>`]{1,2000}", re.IGNORECASE)
"""A URL in a script, with escaped slashes or plain ones."""


def boards_on(page: bytes, address: str) -> list[SourceBoard]:
    """Return the boards that a page links to, embeds or names in its scripts: each once, in the order of the page."""
    found: dict[tuple[str, str], SourceBoard] = {}
    for number, url in enumerate(_addresses(page.decode("utf-8", "replace"), address)):
        if number >= MAX_LINKS:
            break
        if match := match_url(url):
            # Links to the same board may differ in upper and lower case.
            found.setdefault((match.source.key, str(match.board).lower()), match)
    return list(found.values())


def match_fingerprints(page: bytes, host: str) -> list[SourceBoard]:
    """Return the sources whose fingerprints a page contains, each with the company's own domain as the board."""
    found = []
    for source in SOURCES.values():
        if any(fingerprint.encode() in page for fingerprint in source.fingerprints) and is_own_domain(host):
            found.append(SourceBoard(source, source.board(host)))
    return found


def openings_on(page: bytes, address: SplitResult) -> list[SplitResult]:
    """Return the links to pages with openings, on hosts of the same company: each once, the best first."""
    found: dict[str, tuple[int, SplitResult]] = {}
    for href, text in _links(page.decode("utf-8", "replace")):
        url = _absolute(address.geturl(), href)
        if url is None or not _is_of_same_company(url, address):
            continue
        in_text, in_url = OPENINGS.search(text), OPENINGS.search(f"{url.hostname}{url.path}")
        url = url._replace(fragment="")
        if (in_text or in_url) and url != address._replace(fragment=""):
            found.setdefault(url.geturl(), (bool(in_text) + bool(in_url), url))
    return [url for _, url in sorted(found.values(), key=lambda each: -each[0])]


def _is_of_same_company(url: SplitResult, page: SplitResult) -> bool:
    """Return whether two URLs have the same host, or hosts with the same registrable domain."""
    host, own = url.hostname or "", page.hostname or ""
    labels = own.split(".")[-3:]
    # The domain has three labels below a second level like co.uk, and two otherwise.
    shared = ".".join(labels if labels[-2:-1] and labels[-2:-1][0] in SECOND_LEVEL_LABELS else labels[-2:])
    return url.netloc == page.netloc or (is_own_domain(own) and (host == shared or host.endswith(f".{shared}")))


def _links(page: str) -> Iterator[tuple[str, str]]:
    """Yield the target of each link, and its text without tags."""
    for match in islice(matches(ANCHOR, without_comments(page)), MAX_LINKS):
        if href := ATTRIBUTE.search(match.group(1)):
            text = _link_text(match.group(2))
            yield html.unescape(next(filter(None, href.groups()))), text


def _link_text(markup: str) -> str:
    """Return the text of a piece of markup, without tags, up to the end of the link that it starts in."""
    return html.unescape(re.sub(r"<[^<>]*+>", " ", re.split("</a", markup, maxsplit=1, flags=re.IGNORECASE)[0]))


def _addresses(page: str, address: str) -> Iterator[SplitResult]:
    """Yield the URLs in the attributes and scripts of a page."""
    markup, scripts = split_scripts(without_comments(page))
    for match in islice(matches(ATTRIBUTE, markup), MAX_CANDIDATES):
        if url := _absolute(address, html.unescape(next(filter(None, match.groups())))):
            yield url
    for match in islice(matches(IN_SCRIPT, " ".join(scripts)), MAX_CANDIDATES):
        plain = re.sub(r"\\u002f", "/", match.group(), flags=re.IGNORECASE).replace("\\/", "/")
        if url := split(html.unescape(plain).rstrip("\\")):
            yield url


def _absolute(address: str, value: str) -> SplitResult | None:
    try:
        return split(urljoin(address, value.strip()))
    except ValueError:
        return None
