"""Large JSON bodies, read value by value: a whole document can take thirty times its size as Python objects."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, ValidationError

from app.config.settings import MAX_BODY_BYTES

SPACE = re.compile(rb"[ \t\n\r]*")
UTF_8 = codecs.getincrementaldecoder("utf-8")


class StreamedSchema(Schema):
    """A schema that reads and validates a body itself, because the body may be large."""

    def read(self, body: bytes) -> Any:
        """Read and validate a body. Raises ValidationError, ValueError or RecursionError. Pure, for a native thread."""
        raise NotImplementedError

    def load(self, data: Any, **_: Any) -> Any:
        """Return what ``read`` has validated."""
        return data


def read_array(body: bytes, name: str, max_items: int) -> Iterator[Any]:
    """Yield the items of the one member that a JSON object in UTF-8 has, an array with this name.

    An item has at most MAX_BODY_BYTES, so an array costs as much as that many small requests. Nothing is read behind
    the first fault. Raises ValidationError if the document is another one, an item is too large, or there are more than
    ``max_items``, and ValueError or RecursionError if it is not JSON.
    """
    # An empty body lacks the member, as an empty object does.
    reader = _Reader(body or b"{}")
    _read_to_items(reader, name)
    yield from _items(reader, name, max_items)
    if reader.skip(b","):
        member = reader.name()
        raise ValidationError({member: ["Unknown field." if member != name else "The list may occur only once."]})
    reader.expect(b"}")
    reader.expect_end()


def _read_to_items(reader: "_Reader", name: str) -> None:
    """Go on to the first item of the array."""
    if not reader.skip(b"{"):
        reader.value("_schema")
        raise ValidationError({"_schema": ["Invalid input type."]})
    if reader.skip(b"}"):
        raise ValidationError({name: ["Missing data for required field."]})
    member = reader.name()
    if member != name:
        raise ValidationError({member: ["Unknown field."]})
    if not reader.skip(b"["):
        reader.value(name)
        raise ValidationError({name: ["Not a valid list."]})


def _items(reader: "_Reader", name: str, max_items: int) -> Iterator[Any]:
    if reader.skip(b"]"):
        return
    for number in range(max_items):
        yield reader.value(f"{name}.{number}")
        if reader.skip(b"]"):
            return
        reader.expect(b",")
    raise ValidationError({name: [f"At most {max_items} {name}."]})


class _Reader:
    """A position in a JSON document, and the steps on from it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0

    def skip(self, sign: bytes) -> bool:
        """Go on behind white space, and behind this sign if it follows. Return whether it did."""
        space = SPACE.match(self._body, self._position)
        self._position = space.end() if space else self._position
        follows = self._body.startswith(sign, self._position)
        self._position += len(sign) if follows else 0
        return follows

    def expect(self, sign: bytes) -> None:
        """Go on behind this sign. Raises ValueError if another one follows."""
        if not self.skip(sign):
            raise ValueError(f"{sign!r} expected at byte {self._position}")

    def expect_end(self) -> None:
        """Raise ValueError if anything but white space follows."""
        self.skip(b"")
        if self._position < len(self._body):
            raise ValueError(f"end expected at byte {self._position}")

    def name(self) -> str:
        """Go on behind the name of a member, and return it."""
        name = self.value("_schema")
        if not isinstance(name, str):
            raise ValueError(f"a member's name expected before byte {self._position}")
        self.expect(b":")
        return name

    def value(self, path: str) -> Any:
        """Go on behind a value, and return it. The path is named if the value is too large."""
        self.skip(b"")
        window_end = self._position + MAX_BODY_BYTES
        window, is_cut = self._body[self._position:window_end], window_end < len(self._body)
        # A window may end within a character.
        text = UTF_8().decode(window, final=not is_cut)
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except json.JSONDecodeError as error:
            if not is_cut:
                raise
            fault = f"Is not valid JSON, or is larger than {MAX_BODY_BYTES // 1024} KiB."
            raise ValidationError({path: [fault]}) from error
        self._position += len(text[:end].encode())
        return value
