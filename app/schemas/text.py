"""Strings and numbers as they come in."""

import re
from typing import Any

from marshmallow import ValidationError, fields


class PlainText(fields.String):
    """A string that PostgreSQL can hold and UTF-8 can write: without NUL and without half a character."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, *args, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("Not a valid string.")
        return text


class Line(PlainText):
    """One line that a person can read: trimmed, and without what cannot be printed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        line = super()._deserialize(value, *args, **kwargs).strip()
        if not line.isprintable():
            raise ValidationError("Only what can be printed, in one line.")
        return line


class WholeNumber(fields.Integer):
    """An integer written in ASCII digits and nothing else: no sign, blank, underscore or other script."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
            raise self.make_error("invalid")
        return super()._validated(value)
