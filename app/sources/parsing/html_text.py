"""From what boards give to plain text: unescaped as often as it was escaped, sanitised, and divided by its headings."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3

from app.sources.types import Form, Section, Text

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = HEADINGS | {
    *("p", "div", "ul", "ol", "li", "pre", "blockquote", "table", "caption", "tr", "hr", "dl", "dt", "dd", "address"),
    *("section", "article", "header", "footer", "aside", "main", "nav", "details", "summary", "figure", "figcaption"),
    *("center", "fieldset", "legend", "form", "label", "button", "option", "textarea", "hgroup", "menu"),
}
STRONG = {"strong", "b"}
ALLOWED = BLOCKS | STRONG | {"br", "td", "th"}
MAX_HEADING_LENGTH = 120
BOLD_LINE = 7
"""The level of a heading that is only a bold line: below all of those that say that they are headings."""

MAX_MARKUP_LENGTH = 400_000
MAX_TAGS = 20_000
MAX_DEPTH = 200
"""What no person writes: longer markup is cut, more tags or deeper ones are dropped before anything builds a tree of
them, which takes time by the square of their depth."""

TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)[^<>]*+>", re.IGNORECASE)
NOT_DEEPER = {"p", "li", "br", "hr", "img", "td", "th", "tr", "dt", "dd", "option", "input", "wbr", "meta", "link"}
"""Tags that end by themselves when the next of their kind begins, or hold nothing."""

UNSEEN = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
)
HALVES = re.compile("[\ud800-\udfff]")

REQUIREMENTS = re.compile(
    r"\b(requirements?|qualifications?|must[- ]haves?|nice[- ]to[- ]haves?|prerequisites?|bonus points|ideal candidate"
    r"|who you are|who we(.re| are) looking for|what we(.re| are) looking for|we are looking for|looking for in you"
    r"|what you(.ll| will)? (bring|need|have)|you(.ll| will) (bring|need)|you bring|you should have"
    r"|fit if|you might thrive|strong candidates"
    r"|(minimum|preferred|basic|required|desired) (skills|experience|education)|skills( and|,| &) .*experience"
    r"|dein profil|ihr profil|das bringst du mit|was du mitbringst|anforderungen|votre profil|ton profil|tu perfil"
    r"|requisitos|profil recherché|il tuo profilo|jouw profiel)\b"
    r"|\bif you( have| are|.re)?\W*$"
    r"|^(about you|you|you are|you have|you need|(your |the )?(experience|skills|education|background|profile))\W*$",
    re.IGNORECASE,
)
"""Headings above what an applicant must bring; where words stand for several languages, those of the boards read."""


@dataclass(frozen=True)
class Block:
    """A paragraph, a list's item or a heading, as plain text."""

    text: str
    is_item: bool = False
    level: int = 0
    """Of a heading, 1 the highest; 0: it is none."""


class _Blocks(HTMLParser):
    """Cuts sanitised HTML, in which every element is closed, into blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._in_strong = 0
        self._weak = False
        self._is_item = False
        self._level = 0

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
            self._level = int(tag[1]) if tag in HEADINGS else 0
            self._is_item = tag == "li" or (self._is_item and tag in ("p", "div"))

    def handle_endtag(self, tag: str) -> None:
        """End the block."""
        if tag in STRONG:
            self._in_strong = max(0, self._in_strong - 1)
        elif tag in BLOCKS:
            self.finish()
            self._is_item, self._level = False, 0

    def handle_data(self, data: str) -> None:
        """Take text."""
        self._text.append(data)
        # A colon behind the bold words is theirs.
        if not self._in_strong and any(map(str.isalnum, data)):
            self._weak = True

    def finish(self) -> None:
        """End the block."""
        text = tidy("".join(self._text))
        if text:
            # People make headings of bold paragraphs.
            is_bold_line = not self._weak and "\n" not in text and not self._is_item
            level = self._level or (BOLD_LINE if is_bold_line else 0)
            self.blocks.append(Block(text, self._is_item, level if len(text) <= MAX_HEADING_LENGTH else 0))
            # A paragraph after the first in an item is not another item.
            self._is_item = False
        self._text, self._weak = [], False


def tidy(text: str) -> str:
    """Lines without blanks at their ends and with single ones in them; no character that is not to be seen."""
    # Joiners belong to words of some scripts; these characters are not to be seen, or turn others around.
    text = UNSEEN.sub("", text.replace("\r\n", "\n"))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str) -> str:
    """The same in one line: for titles and names, in which some boards escape what need not be."""
    return re.sub(r"\s+", " ", tidy(html.unescape(text)))


def blocks(text: Text) -> list[Block]:
    """The blocks of a text, whatever its form."""
    if text.form is Form.PLAIN:
        return [Block(part) for part in re.split(r"\n\s*\n", tidy(text.content)) if part]
    cutter = _Blocks()
    cutter.feed(nh3.clean(_without_line_breaks(_bounded(text)), tags=ALLOWED, attributes={}, link_rel=None))
    cutter.close()
    cutter.finish()
    return cutter.blocks


def _bounded(text: Text) -> str:
    """The markup, unescaped where it was escaped, and with nothing in it that a tree of it would suffer from."""
    # JSON may carry halves of characters, which no other library takes.
    whole = HALVES.sub("", text.content[:MAX_MARKUP_LENGTH])
    markup = html.unescape(whole) if text.form is Form.ESCAPED_HTML else whole
    return markup if _is_tame(markup) else TAG.sub(" ", markup).replace("<", "&lt;")


def _is_tame(markup: str) -> bool:
    depth = 0
    for number, match in enumerate(TAG.finditer(markup)):
        if match.group(2).lower() not in NOT_DEEPER:
            depth = max(0, depth - 1) if match.group(1) else depth + 1
        if depth > MAX_DEPTH or number > MAX_TAGS:
            return False
    return True


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
    level = 0
    for block in all_blocks:
        # A heading below the one that began the part is within it.
        if block.level and (not level or block.level <= level):
            level = block.level if REQUIREMENTS.search(block.text.replace("’", "'")) else 0
        (needed if level else about).append(block)
    return render(about), render(needed)


def _headed(section: Section) -> list[Block]:
    heading = one_line(section.heading)
    return [*([Block(heading, level=1)] if heading else []), *blocks(section.text)]


def _without_line_breaks(markup: str) -> str:
    """In HTML a line's end is a blank, but for preformatted text, which hardly any posting has."""
    return markup if "<pre" in markup.lower() else re.sub(r"[\r\n]+", " ", markup)
