"""From what boards give to plain text: unescaped as often as it was escaped, sanitised, and divided by its headings."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3

from app.sources.records import Form, Section, Text

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = HEADINGS | {"p", "div", "ul", "ol", "li", "pre", "blockquote", "table", "tr", "hr", "dl", "dt", "dd"}
STRONG = {"strong", "b"}
ALLOWED = BLOCKS | STRONG | {"br", "td", "th"}
LONGEST_HEADING = 120

HALVES = re.compile("[\ud800-\udfff]")

REQUIREMENTS = re.compile(
    r"\b(requirements?|qualifications?|must[- ]haves?|nice[- ]to[- ]haves?|prerequisites?|bonus points|who you are"
    r"|about you|you have|you bring|you are|you need|you should have|your (background|profile|experience|skills)"
    r"|(minimum|preferred|basic|required|desired) (skills|experience|education)|skills( and|,| &) .*experience"
    r"|what we.re looking for|we are looking for|looking for in you|ideal candidate|what you.ll (bring|need)"
    r"|you.ll (bring|need)|you might be a fit|you may be a good fit|good fit if|strong candidates"
    r"|dein profil|ihr profil|das bringst du mit|was du mitbringst|anforderungen|votre profil|ton profil|tu perfil"
    r"|requisitos|profil recherché|il tuo profilo|jouw profiel)\b",
    re.IGNORECASE,
)
"""Headings above what an applicant must bring; where words stand for several languages, those of the boards read."""


@dataclass(frozen=True)
class Block:
    """A paragraph, a list's item or a heading, as plain text."""

    text: str
    is_item: bool = False
    is_heading: bool = False


class _Blocks(HTMLParser):
    """Cuts sanitised HTML, in which every element is closed, into blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._in_strong = 0
        self._weak = False
        self._is_item = self._is_heading = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a block, or note what makes a heading."""
        if tag == "br":
            self._text.append("\n")
        elif tag in ("td", "th"):
            self._text.append(" ")
        elif tag in STRONG:
            self._in_strong += 1
        elif tag in BLOCKS:
            self.finish()
            self._is_heading = tag in HEADINGS
            self._is_item = tag == "li" or (self._is_item and tag in ("p", "div"))

    def handle_endtag(self, tag: str) -> None:
        """End the block."""
        if tag in STRONG:
            self._in_strong = max(0, self._in_strong - 1)
        elif tag in BLOCKS:
            self.finish()
            self._is_item = self._is_heading = False

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._text.append(data)
        if data.strip() and not self._in_strong:
            self._weak = True

    def finish(self) -> None:
        """End the block."""
        text = tidy("".join(self._text))
        if text:
            # People make headings of bold paragraphs.
            is_bold_line = not self._weak and "\n" not in text and not self._is_item
            is_heading = (self._is_heading or is_bold_line) and len(text) <= LONGEST_HEADING
            self.blocks.append(Block(text, self._is_item, is_heading))
            # A paragraph after the first in an item is not another item.
            self._is_item = False
        self._text, self._weak = [], False


def tidy(text: str) -> str:
    """Lines without blanks at their ends and with single ones in them; no character that is not to be seen."""
    # Marks of bidirectional writing and joiners belong to words of some scripts; these do not.
    text = re.sub("[\u00ad\u200b\u2060\ufeff\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text.replace("\r\n", "\n"))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str) -> str:
    """The same in one line: for titles and names, in which some boards escape what need not be."""
    return re.sub(r"\s+", " ", tidy(html.unescape(text)))


def blocks(text: Text) -> list[Block]:
    """The blocks of a text, whatever its form."""
    if text.form is Form.PLAIN:
        return [Block(part) for part in re.split(r"\n\s*\n", tidy(text.content)) if part]
    # JSON may carry halves of characters, which no other library takes.
    whole = HALVES.sub("", text.content)
    markup = html.unescape(whole) if text.form is Form.ESCAPED_HTML else whole
    cutter = _Blocks()
    cutter.feed(nh3.clean(_without_line_breaks(markup), tags=ALLOWED, attributes={}, link_rel=None))
    cutter.close()
    cutter.finish()
    return cutter.blocks


def render(parts: Iterable[Block]) -> str | None:
    """Plain text: items with a dash, one below the other; everything else with a blank line between."""
    written = ""
    was_item = False
    for block in parts:
        gap = "\n" if was_item and block.is_item else "\n\n"
        written += (gap if written else "") + (f"- {block.text}" if block.is_item else block.text)
        was_item = block.is_item
    return written or None


def texts(description: Iterable[Text], requirements: Iterable[Section]) -> tuple[str | None, str | None]:
    """Description and requirements in plain text.

    Where the system keeps requirements apart, they are those; else they stand below the headings that say so, up to
    the next heading that does not.
    """
    all_blocks = [block for text in description for block in blocks(text)]
    kept_apart = [block for section in requirements for block in _headed(section)]
    if kept_apart:
        return render(all_blocks), render(kept_apart)
    about: list[Block] = []
    needed: list[Block] = []
    in_requirements = False
    for block in all_blocks:
        if block.is_heading:
            in_requirements = bool(REQUIREMENTS.search(block.text.replace("’", "'")))
        (needed if in_requirements else about).append(block)
    return render(about), render(needed)


def _headed(section: Section) -> list[Block]:
    heading = one_line(section.heading)
    return [*([Block(heading, is_heading=True)] if heading else []), *blocks(section.text)]


def _without_line_breaks(markup: str) -> str:
    """In HTML a line's end is a blank, but for preformatted text, which hardly any posting has."""
    return markup if "<pre" in markup.lower() else re.sub(r"[\r\n]+", " ", markup)
