"""XML read as a stream, and as records for adapters. No entity is expanded, and a wrong encoding is corrected."""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, LexicalHandler, property_lexical_handler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.sax import make_parser

from app.sources.deadline import Deadline
from app.sources.errors import ShapeChanged
from app.sources.types import DOCUMENT, Response
from app.text import is_encoding

PIECE_LENGTH = 65_536
"""Characters or bytes that are parsed at once. After an error, the parser still reads its piece to the end."""

MAX_TOKEN_LENGTH = 4 * PIECE_LENGTH
"""The most characters without an event. A longer tag or comment would be searched again with each piece."""

MAX_ELEMENTS = 1_000_000
MAX_TEXTS = 5_000_000
"""A text is one piece of characters without a line break. Each costs a call, so 50 MB of line breaks take 15 s."""
MAX_DEPTH = 100
MAX_ATTRIBUTES = 100
MAX_NAMES = 1000
MAX_NAME_LENGTH = 300
"""Limits of a document that no real one reaches. The parser keeps each name of a tag or an attribute until its end."""

MAX_ROW_ELEMENTS = 10_000
MAX_ROW_LENGTH = 4_000_000
"""The most characters of text in a row."""

DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
DECLARED = re.compile(rb"^\s*<\?xml[^>]{1,500}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

STARTS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""The first bytes of documents in UTF-16."""


class XmlHandler(ContentHandler, LexicalHandler):
    """Receives the events of a parser, and raises ShapeChanged when the document exceeds a limit."""

    def __init__(self, subject: str, max_depth: int) -> None:
        super().__init__()
        self.subject = subject
        self.path: list[str] = []
        """The names of the open elements, without prefixes."""
        self._max_depth = max_depth
        self._names: set[str] = set()
        self._elements = self._texts = 0
        self._length_without_event = 0

    def open(self, name: str) -> None:
        """Receive a start tag. The element is already in ``path``."""

    def close(self, name: str) -> None:
        """Receive an end tag. The element is still in ``path``."""

    def text(self, text: str) -> None:
        """Receive a piece of text."""

    def check_length(self, length: int) -> None:
        """Count the characters that are parsed next. Raises ShapeChanged if no event has come for too long."""
        self._length_without_event += length
        if self._length_without_event > MAX_TOKEN_LENGTH + length:
            raise self.error("has a tag or comment that is too long")

    def error(self, found: str) -> ShapeChanged:
        """Return the error for the document."""
        return ShapeChanged(self.subject, found)

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        """Check the limits, and open the element."""
        self._count_element()
        names = {name, *attrs.getNames()}
        if not names <= self._names:
            self._add_names(names)
        if len(attrs) > MAX_ATTRIBUTES:
            raise self.error("has a tag with too many attributes")
        if len(self.path) == self._max_depth:
            raise self.error("is nested too deeply")
        local = name.rpartition(":")[2]
        self.path.append(local)
        self.open(local)

    def endElement(self, name: str) -> None:
        """Close the element."""
        self.close(self.path[-1])
        self.path.pop()

    def characters(self, content: str) -> None:
        """Count a piece of text, and receive it."""
        self._length_without_event = 0
        self._texts += 1
        if self._texts > MAX_TEXTS:
            raise self.error(f"has more than {MAX_TEXTS:,} lines and pieces of text")
        self.text(content)

    def processingInstruction(self, target: str, data: str) -> None:
        """Count it like an element."""
        self._count_element()

    def comment(self, content: str) -> None:
        """Count it like an element."""
        self._count_element()

    def _count_element(self) -> None:
        self._length_without_event = 0
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise self.error(f"has more than {MAX_ELEMENTS:,} elements")

    def _add_names(self, names: set[str]) -> None:
        self._names |= names
        if len(self._names) > MAX_NAMES or any(len(each) > MAX_NAME_LENGTH for each in names):
            raise self.error("has too many or too long names of tags and attributes")


def parse_pieces(pieces: Iterable[str | bytes], handler: XmlHandler, deadline: Deadline) -> Iterator[None]:
    """Parse a document piece by piece. Yields after each piece, when the handler has received its events.

    Raises ShapeChanged, also for document types, and OutOfTime. Prefixes are not resolved to namespaces: the parser
    would copy a long namespace to each attribute, which makes gigabytes of a megabyte.
    """
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(handler)
    parser.setProperty(property_lexical_handler, handler)
    try:
        for piece in pieces:
            deadline.check()
            handler.check_length(len(piece))
            parser.feed(piece)
            yield
        # Nothing is parsed if there is no piece.
        parser.feed(b"")
        parser.close()
        yield
    except DefusedXmlException as error:
        raise handler.error("has a document type, which is not allowed") from error
    except (SAXException, LookupError, ValueError) as error:
        raise handler.error("is not valid XML") from error
    finally:
        # The parser and its handlers refer to each other. Closing it frees its memory at once.
        with suppress(SAXException):
            parser.close()


def xml_rows(response: Response, root: str, name: str) -> Iterator[Any]:
    """Yield the elements called ``name`` in the root, which must be called ``root``, as JSON-like values.

    An element with children becomes an object, keyed by their names without prefix. An element without children
    becomes its text. Several elements of one name become a list. Each row is yielded soon after its end tag, so a few
    rows are in memory at a time. Raises ShapeChanged, also for entities and document types, and OutOfTime.
    """
    handler = _Rows(root, name)
    for _ in parse_pieces(_pieces(response), handler, response.deadline):
        rows, handler.rows = handler.rows, []
        yield from rows


class _Rows(XmlHandler):
    """Builds each row from its events."""

    def __init__(self, root: str, name: str) -> None:
        super().__init__(DOCUMENT, MAX_DEPTH)
        self.rows: list[Any] = []
        self._root = root
        self._name = name
        self._objects: list[dict[str, Any]] = []
        """The children of each open element of the row."""
        self._text: io.StringIO | None = None
        """The text of the innermost element; None if it has children."""
        self._row_elements = self._row_length = 0

    def open(self, name: str) -> None:
        """Begin a row, or an element of it."""
        if len(self.path) == 1 and name != self._root:
            raise self.error(f"is <{name[:40]}>, but <{self._root}> was expected")
        if len(self.path) == 2 and name == self._name:
            self._row_elements = self._row_length = 0
        elif not self._objects:
            return
        self._objects.append({})
        self._text = io.StringIO()
        self._row_elements += 1
        if self._row_elements > MAX_ROW_ELEMENTS:
            raise self.error(f"has a <{self._name}> with more than {MAX_ROW_ELEMENTS:,} elements")

    def text(self, text: str) -> None:
        """Add a piece to the text of the innermost element."""
        if self._text is not None:
            self._row_length += len(text)
            if self._row_length > MAX_ROW_LENGTH:
                raise self.error(f"has a <{self._name}> with more than {MAX_ROW_LENGTH:,} characters")
            self._text.write(text)

    def close(self, name: str) -> None:
        """End the element, and add it to its parent or the row to ``rows``."""
        if not self._objects:
            return
        text = self._text.getvalue() if self._text is not None else None
        value = self._objects.pop() or text or None
        self._text = None
        if self._objects:
            _add(self._objects[-1], name, value)
        else:
            self.rows.append(value)


def _add(children: dict[str, Any], name: str, value: Any) -> None:
    if name not in children:
        children[name] = value
    elif isinstance(children[name], list):
        children[name].append(value)
    else:
        children[name] = [children[name], value]


def _pieces(response: Response) -> Iterator[str]:
    """Decode the body piece by piece, without its declaration and the characters that XML forbids."""
    text = io.TextIOWrapper(io.BytesIO(response.body), _encoding(response), newline="")
    piece = DECLARATION.sub("", text.read(PIECE_LENGTH))
    while piece:
        yield CONTROL.sub("", piece)
        piece = text.read(PIECE_LENGTH)


def _encoding(response: Response) -> str:
    """Return the first encoding in which the body is valid: UTF-8, the declared one, that of the header, or cp1252."""
    by_start = (encoding for start, encoding in STARTS.items() if response.body.startswith(start))
    declared = (match.group(1).decode() for match in [DECLARED.search(response.body[:1000])] if match)
    by_header = (match.group(1) for match in [CHARSET.search(response.headers.get("content-type", ""))] if match)
    encodings = (*by_start, "utf-8-sig", *declared, *by_header, "cp1252")
    return next((each for each in encodings if is_encoding(each) and _is_valid(response, each)), "latin-1")


def _is_valid(response: Response, encoding: str) -> bool:
    text = io.TextIOWrapper(io.BytesIO(response.body), encoding, newline="")
    try:
        while text.read(PIECE_LENGTH):
            response.deadline.check()
    except ValueError:
        return False
    return True
