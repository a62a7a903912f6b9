"""XML as records for adapters. No entity is expanded, nothing is fetched, and a wrong encoding is corrected."""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.sources.errors import ShapeChanged
from app.sources.types import DOCUMENT, Response

DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def xml_rows(response: Response, root: str, name: str) -> list[Any]:
    """Return the elements called ``name`` in the root, which must be called ``root``, as JSON-like values.

    An element with children becomes an object, keyed by their names without namespace. An element without children
    becomes its text. Several elements of one name become a list. Raises ShapeChanged, also for entities and document
    types.
    """
    tree = _tree(response)
    if _name(tree) != root:
        raise ShapeChanged(DOCUMENT, f"is <{_name(tree)}>, but <{root}> was expected")
    try:
        return [_value(element) for element in tree if _name(element) == name]
    except RecursionError as error:
        raise ShapeChanged(DOCUMENT, "is nested too deeply") from error


def _tree(response: Response) -> Element:
    try:
        # Prefer UTF-8 over the declared encoding.
        return _parse_document(DECLARATION.sub("", response.body.decode("utf-8-sig")))
    except (ParseError, ValueError):
        pass
    try:
        return _parse_document(response.body)
    except (ParseError, LookupError, ValueError):
        # Some feeds contain characters that XML forbids, or declare a wrong encoding.
        text = CONTROL.sub("", DECLARATION.sub("", response.text()))
    try:
        return _parse_document(text)
    except (ParseError, ValueError) as error:
        raise ShapeChanged(DOCUMENT, "is not valid XML") from error


def _parse_document(document: bytes | str) -> Element:
    try:
        tree: Element = fromstring(document, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ShapeChanged(DOCUMENT, "has a document type, which is not allowed") from error
    return tree


def _value(element: Element) -> Any:
    children: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _value(child)
        if name not in children:
            children[name] = value
        elif isinstance(children[name], list):
            children[name].append(value)
        else:
            children[name] = [children[name], value]
    return children or element.text


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
