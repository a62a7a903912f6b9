"""Web pages split into pieces, once from left to right. No tree is built, because the page would choose its depth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

START = re.compile(r"<!--|<script", re.IGNORECASE)
ENDS = {"<!--": re.compile("-->"), "<script": re.compile("</script", re.IGNORECASE)}

WINDOW = 32_768
MAX_MATCH_LENGTH = 4096


@dataclass(frozen=True)
class _Piece:
    """A comment or script with the markup before it."""

    before: str
    start: str = ""
    """The text that opens it, as the page writes it."""
    content: str = ""
    """For a script, the rest of its tag and its code."""
    is_script: bool = False


def matches(pattern: re.Pattern[str], text: str, position: int = 0) -> Iterator[re.Match[str]]:
    """Yield the matches of ``finditer``, searched window by window. No match may exceed MAX_MATCH_LENGTH.

    One search holds the interpreter's lock, and without a match it would run to the end of a large page.
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
    """Return the page without its comments. Text in a script that looks like a comment stays."""
    kept = []
    for piece in _pieces(page):
        kept += [piece.before, f"{piece.start}{piece.content}</script"] if piece.is_script else [piece.before]
    return "".join(kept)


def split_scripts(page: str) -> tuple[str, list[str]]:
    """Return the markup, including the attributes of script tags, and the code of each script."""
    outside, inside = [], []
    for piece in _pieces(page):
        outside.append(piece.before)
        if piece.is_script:
            attributes, _, code = piece.content.partition(">")
            outside.append(attributes)
            inside.append(code)
    return " ".join(outside), inside


def scripts(page: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes and the code of each script of the page."""
    for piece in _pieces(page):
        if piece.is_script:
            attributes, _, code = piece.content.partition(">")
            yield attributes, code


def _pieces(page: str) -> Iterator[_Piece]:
    """Split the page at its comments and scripts. An unterminated one extends to the end of the page."""
    position = 0
    while begin := next(matches(START, page, position), None):
        start = begin.group().lower()
        end = next(matches(ENDS[start], page, begin.end()), None)
        before, content = slice(position, begin.start()), slice(begin.end(), end.start() if end else None)
        yield _Piece(page[before], begin.group(), page[content], is_script=start == "<script")
        position = end.end() if end else len(page)
    yield _Piece(page[position:])
