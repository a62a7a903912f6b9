"""XML documents as plain data, so that tests change them like JSON."""

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

NAME = re.compile(r"[A-Za-z_][\w.-]*")


def load(document: str) -> Any:
    """Return the root as ``{name: content}``.

    Repeated elements become a list. An element without children becomes its text.
    """
    root = fromstring(document)
    return {root.tag: _value(root)}


def dump(document: Any) -> bytes:
    """Return the document as XML, without the keys that are not valid XML names."""
    [(name, content)] = document.items()
    root = Element(name)
    _fill(root, content)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _value(element: Element) -> Any:
    children: dict[str, Any] = {}
    for child in element:
        known = children.get(child.tag)
        if child.tag not in children:
            children[child.tag] = _value(child)
        else:
            children[child.tag] = [*(known if isinstance(known, list) else [known]), _value(child)]
    return children or element.text


def _fill(element: Element, content: Any) -> None:
    if not isinstance(content, dict):
        element.text = None if content is None else str(content)
        return
    for name, value in content.items():
        for each in value if isinstance(value, list) else [value]:
            if NAME.fullmatch(name):
                _fill(SubElement(element, name), each)
