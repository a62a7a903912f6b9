"""The limits of XML: each is held while the document is parsed, so no part of it costs more."""

import gc
from itertools import count, islice, repeat
from xml.parsers.expat import XMLParserType

import pytest

from app.sources.deadline import NO_DEADLINE, Deadline
from app.sources.errors import OutOfTime, ShapeChanged
from app.sources.parsing import xml
from app.sources.parsing.xml import XmlHandler, parse_pieces, xml_rows
from app.sources.types import Response

ATTRIBUTES = " ".join(f"b{number}=''" for number in range(xml.MAX_ATTRIBUTES + 1))
LONG_NAME = "a" * (xml.MAX_NAME_LENGTH + 1)
TOO_LONG = "x" * (xml.MAX_TOKEN_LENGTH + 3 * xml.PIECE_LENGTH)


class Recorder(XmlHandler):
    """Records the number of its events."""

    def __init__(self) -> None:
        super().__init__("the test", xml.MAX_DEPTH)
        self.events = 0

    def open(self, name: str) -> None:
        """Count the start tag."""
        self.events += 1

    def text(self, text: str) -> None:
        """Count the text."""
        self.events += 1


def response(body: bytes | str, deadline: Deadline = NO_DEADLINE) -> Response:
    body = body.encode() if isinstance(body, str) else body
    return Response(200, {}, body, "https://example.org", deadline)


def rows(body: bytes | str) -> list:
    return list(xml_rows(response(body), "feed", "item"))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("<feed><item>" + "<a/>" * xml.MAX_ROW_ELEMENTS, "more than 10,000 elements"),
        ("<feed><item>" + "x" * (xml.MAX_ROW_LENGTH + 1), "more than 4,000,000 characters"),
        ("<feed><item><a>xx</a><b>" + "x" * xml.MAX_ROW_LENGTH, "more than 4,000,000 characters"),
        ("<feed>" + "".join(f"<a{number}/>" for number in range(xml.MAX_NAMES)), "too many or too long names"),
        ("<feed>" + "".join(f"<a b{number}=''/>" for number in range(xml.MAX_NAMES)), "too many or too long names"),
        (f"<feed><{LONG_NAME}/>", "too many or too long names"),
        (f"<feed xmlns:{LONG_NAME}='u'>", "too many or too long names"),
        (f"<feed><a {ATTRIBUTES}/>", "too many attributes"),
        ("<feed>" + "<a>" * xml.MAX_DEPTH, "nested too deeply"),
        (f"<feed><!--{TOO_LONG}-->", "too long"),
        (f"<feed><a b='{TOO_LONG}'/>", "too long"),
        (f"<feed><?a {TOO_LONG}?>", "too long"),
    ],
    ids=[
        *("elements of a row", "text of a row", "texts of a row", "names of tags", "names of attributes", "long name"),
        *("long prefix", "attributes", "depth", "long comment", "long attribute", "long instruction"),
    ],
)
def test_xml_beyond_a_limit_is_refused(document, found):
    """No document is whole, so each is refused at its limit and not at its end."""
    with pytest.raises(ShapeChanged, match=found):
        rows(document)


@pytest.mark.parametrize("piece", ["<a/>", "<!---->", "<?a?>", "<item/>"])
def test_xml_elements_are_counted_over_the_document(piece, monkeypatch):
    monkeypatch.setattr(xml, "MAX_ELEMENTS", 50)
    assert rows(f"<feed>{piece * 49}</feed>") == ([None] * 49 if piece == "<item/>" else [])
    with pytest.raises(ShapeChanged, match="more than 50 elements"):
        rows(f"<feed>{piece * 50}")


def test_xml_pieces_of_text_are_counted(monkeypatch):
    monkeypatch.setattr(xml, "MAX_TEXTS", 50)
    with pytest.raises(ShapeChanged, match="more than 50 lines"):
        rows("<feed>" + "\n" * 51)


def test_xml_within_the_limits_is_read():
    children = "<a>x</a>" * (xml.MAX_ROW_ELEMENTS - 1)
    assert rows(f"<feed><item>{children}</item></feed>") == [{"a": ["x"] * (xml.MAX_ROW_ELEMENTS - 1)}]
    long = "x" * xml.MAX_ROW_LENGTH
    assert rows(f"<feed><item>{long}</item><item>{long}</item></feed>") == [long, long]


def test_xml_rows_are_yielded_before_the_document_ends():
    found = xml_rows(response("<feed>" + "<item>x</item>" * 10_000), "feed", "item")
    assert list(islice(found, 4000)) == ["x"] * 4000
    with pytest.raises(ShapeChanged, match="not valid XML"):
        list(found)


def test_xml_reads_no_further_after_a_limit():
    """An endless document is refused, so no later piece is asked for."""
    with pytest.raises(ShapeChanged, match="more than"):
        for _ in parse_pieces(("<a>" if number == 0 else "<b/>" * 1000 for number in count()), Recorder(), NO_DEADLINE):
            pass


def test_xml_prefixes_are_not_resolved():
    """Resolved, each of these attributes would be as long as the namespace."""
    names = " ".join(f"p:b{number}=''" for number in range(90))
    assert rows(f"<feed xmlns:p='{'u' * 60_000}'><p:item {names}/></feed>") == [None]
    assert rows("<f:feed><f:item>No such namespace</f:item></f:feed>") == ["No such namespace"]


def test_xml_stops_at_the_deadline():
    with pytest.raises(OutOfTime):
        next(xml_rows(response("<feed/>", Deadline.of(-1)), "feed", "item"))
    handler = Recorder()
    parsing = parse_pieces(repeat("<a>"), handler, Deadline.of(-1))
    with pytest.raises(OutOfTime):
        next(parsing)
    assert handler.events == 0


@pytest.mark.parametrize("document", ["<feed><item>", "<feed><a></feed>", "<other>", "<!DOCTYPE x><feed/>", ""])
def test_xml_parser_is_freed_after_an_error(document):
    """The parser is part of a reference cycle, which would keep its memory until the next collection."""
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ShapeChanged):
            rows(document)
        assert not [each for each in gc.get_objects() if isinstance(each, XMLParserType)]
    finally:
        gc.enable()


@pytest.mark.parametrize("encoding", ["punycode", "idna", "utf-7", "unicode_escape", "zlib", "rot13", "undefined"])
def test_xml_is_not_decoded_by_costly_or_odd_encodings(encoding):
    document = f'<?xml version="1.0" encoding="{encoding}"?><feed><item>Café</item></feed>'.encode("latin-1")
    assert rows(document) == ["Café"]
