"""Strings and numbers as they come in."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields

from app.lines import is_readable, tidied

UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")


class PlainText(fields.String):
    """A string that PostgreSQL can hold and UTF-8 can write: without NUL and without half a character."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, *args, **kwargs)
        if UNHOLDABLE.search(text):
            raise ValidationError("Not a valid string.")
        return text


class Line(PlainText):
    """One line that a person can read: trimmed, and without what cannot be printed."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        line = tidied(super()._deserialize(value, *args, **kwargs))
        if not is_readable(line):
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


class WholeNumber(fields.Integer):
    """An integer written in ASCII digits and nothing else: no sign, blank, underscore or other script."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
            raise self.make_error("invalid")
        return super()._validated(value)
