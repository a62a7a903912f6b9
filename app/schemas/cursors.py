"""Cursors: the place of a page's last row in a list, as an opaque string."""

import json
from base64 import b64decode, urlsafe_b64encode
from typing import Any

from marshmallow import fields

from app.models import MAX_RUN_ID
from app.text import UNSTORABLE

MAX_CURSOR_LENGTH = 2000
"""More than a cursor of the longest values has."""

NEXT = "The `after` of the next page. Null on the last page."

Value = str | int


def encode_cursor(values: tuple[Value, ...] | None) -> str | None:
    """Return the values as a string for a URL; None for None."""
    if values is None:
        return None
    return urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


class Cursor(fields.String):
    """The ``next`` of the page before: values of these types, in this order. An integer is one of an INTEGER column."""

    default_error_messages = {"cursor": "Is not the `next` of a page of this list."}

    def __init__(self, *types: type, **kwargs: Any) -> None:
        metadata = {"description": "Only what follows the previous page: its `next`.", "pattern": "^[A-Za-z0-9_-]+$"}
        super().__init__(load_default=None, allow_none=False, metadata=metadata, **kwargs)
        self._types = types

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, *args, **kwargs)
        values = _decode(text) if len(text) <= MAX_CURSOR_LENGTH else None
        # A bool is an int to isinstance.
        if not isinstance(values, list) or tuple(map(type, values)) != self._types or not all(map(_is_valid, values)):
            raise self.make_error("cursor")
        return tuple(values)


def _decode(text: str) -> Any:
    try:
        return json.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None


def _is_valid(value: Value) -> bool:
    if isinstance(value, str):
        return not UNSTORABLE.search(value)
    return 0 <= value <= MAX_RUN_ID
