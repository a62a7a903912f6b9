"""Fields of requests that are stricter than marshmallow's."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields

from app.text import UNSTORABLE, is_printable_line, strip_invisible


class PlainText(fields.String):
    """A string that PostgreSQL can store and UTF-8 can encode."""

    default_error_messages = {"unstorable": "Contains a character that cannot be stored."}

    def __init__(self, **kwargs: Any) -> None:
        # A JSON Schema cannot name lone surrogates, so the pattern excludes NUL only.
        metadata = {"pattern": r"^[^\u0000]*$", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, *args, **kwargs)
        if UNSTORABLE.search(text):
            raise self.make_error("unstorable")
        return text

    def fault(self, value: Any) -> str | None:
        """Return what ``deserialize`` would raise for this value, or None."""
        if not isinstance(value, str):
            return str(self.error_messages["null" if value is None else "invalid"])
        return str(self.error_messages["unstorable"]) if UNSTORABLE.search(value) else None


class SingleLine(PlainText):
    """One line of readable text: trimmed, without unprintable characters."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        line = strip_invisible(super()._deserialize(value, *args, **kwargs))
        if not is_printable_line(line):
            raise ValidationError("Must be one line of printable characters.")
        return line


class StrictBoolean(fields.Boolean):
    """JSON's true or false; no string or number in their place."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class UtcDateTime(fields.AwareDateTime):
    """A time with an offset, converted to UTC: PostgreSQL accepts fewer offsets than Python."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        try:
            time: datetime = super()._deserialize(value, *args, **kwargs)
            return time.astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type="datetime") from error


class JsonInteger(fields.Integer):
    """An integer in JSON. ``7.0`` is one too (RFC 8259, JSON Schema); a string is not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        is_whole = isinstance(value, float) and value.is_integer()
        return super()._deserialize(int(value) if is_whole else value, *args, **kwargs)


class QueryInteger(fields.Integer):
    """An integer in a query, written in ASCII digits only: no sign, blank, underscore or other script."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)
