"""Web pages split into pieces, once from left to right. No tree is built, because the page would choose its depth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

START = re.compile(r"<!--|<script", re.IGNORECASE)
ENDS = {"<!--": re.compile("-->"), "<script": re.compile("</script", re.IGNORECASE)}

WINDOW = 32_768
MAX_MATCH_LENGTH = 4096

MAX_PIECES = 20_000
"""The most comments and scripts of a page. The page is not read beyond, because 250,000 empty ones take seconds."""


@dataclass(frozen=True)
class _Piece:
    """A comment or script with the markup before it, by their positions: one emoji makes each copy 16 MB large."""

    page: str
    position: int
    """The position of the markup before it."""
    start: int
    inner: int
    """The position behind the mark that starts it."""
    end: int
    is_script: bool = False

    @property
    def before(self) -> str:
        """The markup before it."""
        return self.page[self.position:self.start]

    @property
    def attributes(self) -> str:
        """The rest of a script's tag."""
        return self.page[self.inner:self._tag_end]

    @property
    def code(self) -> str:
        """The code of a script."""
        return self.page[self._tag_end + 1:self.end]

    @property
    def _tag_end(self) -> int:
        found = self.page.find(">", self.inner, self.end)
        return self.end if found < 0 else found


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
        kept += [piece.before, f"{page[piece.start:piece.end]}</script"] if piece.is_script else [piece.before]
    return "".join(kept)


def split_scripts(page: str) -> tuple[str, list[str]]:
    """Return the markup, including the attributes of script tags, and the code of each script."""
    outside, inside = [], []
    for piece in _pieces(page):
        outside.append(piece.before)
        if piece.is_script:
            outside.append(piece.attributes)
            inside.append(piece.code)
    return " ".join(outside), inside


def scripts(page: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes and the code of each script of the page."""
    for piece in _pieces(page):
        if piece.is_script:
            yield piece.attributes, piece.code


def _pieces(page: str) -> Iterator[_Piece]:
    """Split the page at its first comments and scripts. An unterminated one extends to the end of the page."""
    position = 0
    for _ in range(MAX_PIECES):
        begin = next(matches(START, page, position), None)
        if begin is None:
            yield _Piece(page, position, len(page), len(page), len(page))
            return
        mark = begin.group().lower()
        end = next(matches(ENDS[mark], page, begin.end()), None)
        inner_end, next_position = end.span() if end else (len(page), len(page))
        yield _Piece(page, position, begin.start(), begin.end(), inner_end, is_script=mark == "<script")
        position = next_position
