"""Pages cut into pieces, once from left to right: no tree is built of them, whose depth would be theirs to choose."""

import re
from collections.abc import Iterator

HIDDEN = re.compile(r"<!--|<script", re.IGNORECASE)
ENDS = {"<!--": re.compile("-->"), "<script": re.compile("</script", re.IGNORECASE)}

WINDOW = 32_768
MAX_MATCH_LENGTH = 4096


def matches(pattern: re.Pattern[str], text: str, position: int = 0) -> Iterator[re.Match[str]]:
    """Find what ``finditer`` finds, window by window.

    No other thread of Python's runs during one search, and a search for what is not there goes on to the end of the
    page. No match may be longer than MAX_MATCH_LENGTH.
    """
    while position < len(text):
        edge = position + WINDOW
        match = pattern.search(text, position, edge + MAX_MATCH_LENGTH)
        if match and match.start() < edge:
            yield match
            position = match.end()
        else:
            position = edge


def without_comments(page: str) -> str:
    """The page without what nobody sees of it; what looks like a comment within a script is none."""
    kept = []
    for before, start, within, is_script in _cut(page):
        kept += [before, f"{start}{within}</script"] if is_script else [before]
    return "".join(kept)


def apart(page: str) -> tuple[str, list[str]]:
    """The markup, with the scripts' own tags, and what is within each script."""
    outside, inside = [], []
    for before, _, within, is_script in _cut(page):
        outside.append(before)
        if is_script:
            says, _, code = within.partition(">")
            outside.append(says)
            inside.append(code)
    return " ".join(outside), inside


def scripts(page: str) -> Iterator[tuple[str, str]]:
    """Each script of the page: what its tag says, and what is within."""
    for _, _, within, is_script in _cut(page):
        if is_script:
            says, _, code = within.partition(">")
            yield says, code


def _cut(page: str) -> Iterator[tuple[str, str, str, bool]]:
    """What is before each comment or script, how that begins, what is in it, and whether it is a script.

    One that has no end goes on to the page's.
    """
    position = 0
    while begin := next(matches(HIDDEN, page, position), None):
        start = begin.group().lower()
        end = next(matches(ENDS[start], page, begin.end()), None)
        outside, within = slice(position, begin.start()), slice(begin.end(), end.start() if end else None)
        yield page[outside], begin.group(), page[within], start == "<script"
        position = end.end() if end else len(page)
    yield page[position:], "", "", False
