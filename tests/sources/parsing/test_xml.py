"""XML feeds: entities are refused, and a wrong encoding is corrected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.errors import ShapeChanged
from app.sources.parsing.xml import xml_rows
from app.sources.types import Response


def rows(body: bytes | str, **headers: str) -> list:
    body = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return list(xml_rows(Response(200, named, body, "https://example.org"), "feed", "item"))


def test_xml_rows_become_objects_lists_and_texts():
    document = "<feed><item><a>1</a><b><c>x</c><c>y</c></b><d/></item><item>text</item></feed>"
    assert rows(document) == [{"a": "1", "b": {"c": ["x", "y"]}, "d": None}, "text"]
    assert rows("<feed/>") == []


def test_xml_rows_resolve_cdata_entities_and_namespaces():
    document = '<f:feed xmlns:f="urn:f"><f:item><f:a><![CDATA[<b>&amp;</b>]]> &lt;&#228;</f:a></f:item></f:feed>'
    assert rows(document) == [{"a": "<b>&amp;</b> <ä"}]


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE feed [<!ENTITY x "y">]><feed><item>&x;</item></feed>',
        '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><feed><item>&b;</item></feed>',
        '<!DOCTYPE feed SYSTEM "file:///etc/passwd"><feed/>',
        '<!DOCTYPE feed [<!ENTITY x SYSTEM "http://127.0.0.1/">]><feed><item>&x;</item></feed>',
        "<!DOCTYPE html><feed/>",
    ],
)
def test_xml_document_types_and_entities_are_refused(document):
    with pytest.raises(ShapeChanged):
        rows(document)
    with pytest.raises(ShapeChanged):
        rows(b'<?xml version="1.0" encoding="martian"?>' + document.encode())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?><feed><item>Café</item></feed>'.encode("latin-1"), {}),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><feed><item>Café</item></feed>'.encode("latin-1"), {}),
        ('<?xml version="1.0" encoding="martian"?><feed><item>Café</item></feed>'.encode(), {}),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><feed><item>Café</item></feed>'.encode(), {}),
        ('<?xml version="1.0" encoding="windows-1252"?><feed><item>Café</item></feed>'.encode(), {}),
        ("<feed><item>Café</item></feed>".encode("cp1252"), {"content_type": "text/xml; charset=windows-1252"}),
        ("<feed><item>Café</item></feed>".encode("latin-1"), {"content_type": "text/xml; charset=nonsense"}),
        ('<?xml version="1.0" encoding="utf-16"?><feed><item>Café</item></feed>'.encode("utf-16"), {}),
        ('\ufeff<?xml version="1.0"?><feed><item>Café</item></feed>'.encode(), {}),
        ("<feed><item>Café</item></feed>".encode("utf-16-be"), {}),
        ('<?xml version="1.0" encoding="gb18030"?><feed><item>Café</item></feed>'.encode("gb18030"), {}),
        ('  \n<?xml version="1.0" encoding="UTF-8"?><feed><item>Caf\x0cé</item></feed>'.encode(), {}),
    ],
    ids=[
        *("latin-1 declared as utf-8", "latin-1", "utf-8 declared as nonsense", "utf-8 declared as latin-1"),
        *("utf-8 declared as windows-1252", "charset in Content-Type", "nonsense in Content-Type", "utf-16"),
        *("byte order mark", "utf-16 without a mark", "several bytes a character"),
        "blank lines and a control character",
    ],
)
def test_xml_with_a_wrong_encoding_is_decoded(body, headers):
    assert rows(body, **headers) == ["Café"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"<feed>", b"<html><body>", b"<other/>", b"<feed><item></feed>", b"\x00\xff", b"<feed>&nbsp;</feed>"],
)
def test_xml_that_is_not_the_feed_is_an_error(body):
    with pytest.raises(ShapeChanged):
        rows(body)


def test_xml_with_deep_nesting_is_an_error():
    with pytest.raises(ShapeChanged):
        rows("<feed><item>" + "<a>" * 20_000 + "</a>" * 20_000 + "</item></feed>")


@given(body=st.binary(max_size=80) | st.text(alphabet="<>/feditm &;#x![]CDAT-?=\"'", max_size=80).map(str.encode))
def test_xml_survives_fuzzed_documents(body):
    try:
        assert isinstance(rows(body), list)
    except ShapeChanged:
        pass
