"""Strings and numbers as they come in."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields

from app.text import UNSTORABLE, is_printable_line, strip_invisible


class PlainText(fields.String):
    """A string that PostgreSQL can hold and UTF-8 can write: without NUL and without half a character."""

    def __init__(self, **kwargs: Any) -> None:
        # Half a character is none that a JSON Schema could speak of.
        metadata = {"pattern": r"^[^\u0000]*$", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, *args, **kwargs)
        if UNSTORABLE.search(text):
            raise ValidationError("Not a valid string.")
        return text


class Line(PlainText):
    """One line that a person can read: trimmed, and without what cannot be printed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        line = strip_invisible(super()._deserialize(value, *args, **kwargs))
        if not is_printable_line(line):
            raise ValidationError("Only what can be printed, in one line.")
        return line


class Switch(fields.Boolean):
    """JSON's true or false, and nothing that could pass for one."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Moment(fields.AwareDateTime):
    """A time with its offset, as UTC, because PostgreSQL knows fewer offsets than Python does."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        try:
            moment: datetime = super()._deserialize(value, *args, **kwargs)
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type="datetime") from error


class JsonInteger(fields.Integer):
    """An integer in JSON, for which ``7.0`` is one as well (RFC 8259, JSON Schema), and no string is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        is_whole = isinstance(value, float) and value.is_integer()
        return super()._deserialize(int(value) if is_whole else value, *args, **kwargs)


class WholeNumber(fields.Integer):
    """An integer written in ASCII digits and nothing else: no sign, blank, underscore or other script."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)
