"""Plain text from the texts of boards: unescaped, sanitized, and divided into description and requirements."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import islice

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
"""The level of a bold line that serves as a heading: below all heading tags."""

MAX_MARKUP_LENGTH = 400_000
MAX_TAGS = 20_000
MAX_DEPTH = 200
"""Limits of a whole posting that no real one reaches. Longer markup is truncated. From a part with more or deeper tags,
all tags are dropped, because the time to build a tree grows with the square of its depth."""

MAX_AMPERSANDS = 20_000
"""From markup with more, those are dropped that begin no reference. nh3 takes 2 s for 400,000 of them, and the time
grows with their square."""

MAX_PARTS = 1000
"""The most parts of a posting's text, because each costs a parser of its own."""

MAX_LINE_LENGTH = 10_000
"""The most characters of a title or name that are tidied. Shorter limits apply to the result."""

TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)[^<>]*+>", re.IGNORECASE)
NON_NESTING = {"p", "li", "br", "hr", "img", "td", "th", "tr", "dt", "dd", "option", "input", "wbr", "meta", "link"}
"""Tags that do not nest: they are empty, or end where the next one starts."""

OVERLONG_REFERENCE = re.compile(r"&#[0-9]{1000,};?")
"""A reference by number, which leads to no character."""

BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,32};)")

INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
)
SURROGATES = re.compile("[\ud800-\udfff]")

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
"""Headings of requirements, in the languages of the boards that were examined."""


@dataclass(frozen=True)
class Block:
    """A paragraph, a list item or a heading, as plain text."""

    text: str
    is_item: bool = False
    level: int = 0
    """The level of a heading, from 1 for the highest; 0 for any other block."""


@dataclass
class _Allowance:
    """The length and the tags that a posting's next parts may still have."""

    length: int = MAX_MARKUP_LENGTH
    tags: int = MAX_TAGS

    def take(self, content: str) -> str:
        """Truncate a part to the length that is left, and subtract it."""
        taken = content[: self.length]
        self.length -= len(taken)
        return taken


class _BlockParser(HTMLParser):
    """A parser that splits sanitized HTML, in which every element is closed, into blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._in_strong = 0
        self._has_plain_text = False
        self._is_item = False
        self._level = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Start a block, or record that the text is bold."""
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
        """Add text to the block."""
        self._text.append(data)
        # Punctuation outside the bold words, like a colon, does not count.
        if not self._in_strong and any(map(str.isalnum, data)):
            self._has_plain_text = True

    def finish(self) -> None:
        """End the block."""
        text = tidy("".join(self._text))
        if text:
            # People use bold paragraphs as headings.
            is_bold_line = not self._has_plain_text and "\n" not in text and not self._is_item
            level = self._level or (BOLD_LINE if is_bold_line else 0)
            self.blocks.append(Block(text, self._is_item, level if len(text) <= MAX_HEADING_LENGTH else 0))
            # A second paragraph in a list item is not a second item.
            self._is_item = False
        self._text, self._has_plain_text = [], False


def tidy(text: str) -> str:
    """Strip each line, collapse its spaces, and remove invisible characters."""
    # These characters are invisible, or change the direction of others. Joiners stay, because some scripts need them.
    text = INVISIBLE.sub("", text.replace("\r\n", "\n"))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def unescaped(text: str) -> str:
    """Replace references like ``&amp;``, as far as they are valid."""
    # Python refuses to convert more than 4,300 digits.
    return html.unescape(OVERLONG_REFERENCE.sub("\ufffd", text))


def one_line(text: str) -> str:
    """Tidy a title or name to one line. It is unescaped, because some boards escape plain text."""
    return re.sub(r"\s+", " ", tidy(unescaped(text[:MAX_LINE_LENGTH])))


def truncated(parts: Iterable[str]) -> list[str]:
    """Return the first parts of a text, up to the limits of a posting."""
    left = _Allowance()
    return [left.take(part) for part in islice(parts, MAX_PARTS) if left.length]


def blocks(text: Text) -> list[Block]:
    """Split a text of any form into blocks, within the limits of a posting."""
    return _blocks(text, _Allowance())


def _blocks(text: Text, left: _Allowance) -> list[Block]:
    content = left.take(text.content)
    if text.form is Form.PLAIN:
        return [Block(part) for part in re.split(r"\n\s*\n", tidy(content)) if part]
    # JSON may contain lone surrogates, which other libraries reject.
    markup = SURROGATES.sub("", content)
    markup = _limited_markup(unescaped(markup) if text.form is Form.ESCAPED_HTML else markup, left)
    parser = _BlockParser()
    parser.feed(nh3.clean(_without_line_breaks(markup), tags=ALLOWED, attributes={}, link_rel=None))
    parser.close()
    parser.finish()
    return parser.blocks


def _limited_markup(markup: str, left: _Allowance) -> str:
    """Return the markup. Drop its tags if they would build too large a tree, or exceed the posting's limit."""
    if markup.count("&") > MAX_AMPERSANDS:
        markup = BARE_AMPERSAND.sub(" ", markup)
    depth = 0
    for match in TAG.finditer(markup):
        if match.group(2).lower() not in NON_NESTING:
            depth = max(0, depth - 1) if match.group(1) else depth + 1
        left.tags -= 1
        if depth > MAX_DEPTH or left.tags < 0:
            return TAG.sub(" ", markup).replace("<", "&lt;")
    return markup


def render(parts: Iterable[Block]) -> str | None:
    """Join blocks to plain text: list items with a dash on consecutive lines, everything else after a blank line."""
    pieces: list[str] = []
    was_item = False
    for block in parts:
        gap = "\n" if was_item and block.is_item else "\n\n"
        pieces += [gap if pieces else "", f"- {block.text}" if block.is_item else block.text]
        was_item = block.is_item
    return "".join(pieces) or None


def texts(description: Iterable[Text], requirements: Iterable[Section]) -> tuple[str | None, str | None]:
    """Return description and requirements as plain text. The limits are those of all their parts together.

    The requirements come from the source's own fields for them. Without these, they are the blocks below a heading of
    requirements, up to the next heading of the same or a higher level.
    """
    left = _Allowance()
    all_blocks = [block for text in islice(description, MAX_PARTS) if left.length for block in _blocks(text, left)]
    sections = islice(requirements, MAX_PARTS)
    separate = [block for section in sections if left.length for block in _headed(section, left)]
    if separate:
        return render(all_blocks), render(separate)
    about: list[Block] = []
    required: list[Block] = []
    level = 0
    for block in all_blocks:
        # A lower heading stays in the part of the heading above it.
        if block.level and (not level or block.level <= level):
            level = block.level if REQUIREMENTS.search(block.text.replace("’", "'")) else 0
        (required if level else about).append(block)
    return render(about), render(required)


def _headed(section: Section, left: _Allowance) -> list[Block]:
    heading = one_line(left.take(section.heading))
    return [*([Block(heading, level=1)] if heading else []), *_blocks(section.text, left)]


def _without_line_breaks(markup: str) -> str:
    """Replace line breaks by spaces, as HTML does, unless there is preformatted text."""
    return markup if "<pre" in markup.lower() else re.sub(r"[\r\n]+", " ", markup)
