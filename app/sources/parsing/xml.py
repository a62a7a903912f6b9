"""XML as the records that adapters read: nothing in it is expanded or fetched, and its encoding may be a lie."""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.sources.errors import ShapeChanged
from app.sources.types import Response

DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def xml_rows(answer: Response, root: str, name: str) -> list[Any]:
    """The elements called ``name`` in the root, which must be called ``root``, each as an object.

    An element with elements in it is an object of theirs, by name and without namespace; one without is its text;
    several of one name are a list. Raises ShapeChanged; entities and document types are refused.
    """
    tree = _tree(answer)
    if _name(tree) != root:
        raise ShapeChanged("the whole answer", f"is <{_name(tree)}>, where <{root}> was expected")
    try:
        return [_value(element) for element in tree if _name(element) == name]
    except RecursionError as error:
        raise ShapeChanged("the whole answer", "is nested too deeply") from error


def _tree(answer: Response) -> Element:
    try:
        # What is UTF-8 is that, whatever it says that it is.
        return _parsed(DECLARATION.sub("", answer.body.decode("utf-8-sig")))
    except (ParseError, ValueError):
        pass
    try:
        return _parsed(answer.body)
    except (ParseError, LookupError, ValueError):
        # Feeds that carry what no XML may, or are written in what they do not name.
        text = CONTROL.sub("", DECLARATION.sub("", answer.text()))
    try:
        return _parsed(text)
    except (ParseError, ValueError) as error:
        raise ShapeChanged("the whole answer", "is not valid XML") from error


def _parsed(document: bytes | str) -> Element:
    try:
        tree: Element = fromstring(document, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ShapeChanged("the whole answer", "has a document type, which is not read") from error
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
