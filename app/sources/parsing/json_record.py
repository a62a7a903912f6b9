"""Reading records whose shape is somebody else's promise: what is needed is checked, what is not may be anything."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from app.sources.errors import ShapeChanged
from app.sources.types import RawPosting


class Record:
    """A JSON object and where it stands in its answer. Optional members that are missing, null or odd are None."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise ShapeChanged(path or "the whole answer", f"is {_kind(value)}, where an object was expected")
        self._members: dict[str, Any] = value
        self._path = path

    def identity(self, name: str) -> str:
        """An id that must be there, as text, whatever the system writes it as."""
        return self.maybe_identity(name) or self.text(name)

    def maybe_identity(self, name: str) -> str | None:
        """The same, or None."""
        number = self.maybe_number(name)
        return self.maybe_text(name) if number is None else str(number)

    def text(self, name: str) -> str:
        """A text that must be there and not be blank. Raises ShapeChanged."""
        value = self.maybe_text(name)
        if value is None:
            found = self._members.get(name)
            raise ShapeChanged(self._at(name), f"is {_kind(found) if name in self._members else 'missing'}")
        return value

    def maybe_text(self, name: str) -> str | None:
        """A text, or None; blank counts for none."""
        value = self._members.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def maybe_number(self, name: str) -> int | None:
        """A whole number, however it is written, or None."""
        value = self._members.get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool | None:
        """A truth value, or None."""
        value = self._members.get(name)
        return value if isinstance(value, bool) else None

    def record(self, name: str) -> "Record":
        """An object below this one; an empty one if there is none."""
        value = self._members.get(name)
        return Record(value if isinstance(value, dict) else {}, self._at(name))

    def records(self, name: str) -> list["Record"]:
        """The objects of a list below this one, or the only one where there is no list; none if there is neither."""
        items = enumerate(self._items(name))
        return [Record(item, f"{self._at(name)}[{n}]") for n, item in items if isinstance(item, dict)]

    def texts(self, name: str) -> list[str]:
        """The texts of a list below this one, or the only one where there is no list."""
        return [item.strip() for item in self._items(name) if isinstance(item, str) and item.strip()]

    def names(self) -> list[str]:
        """What its members are called."""
        return list(self._members)

    def rows(self, name: str) -> list[Any]:
        """A list that must be there, unread. Raises ShapeChanged."""
        return as_rows(self._members.get(name), self._at(name))

    def _items(self, name: str) -> list[Any]:
        value = self._members.get(name)
        return value if isinstance(value, list) else [value]

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def as_rows(value: Any, path: str) -> list[Any]:
    """A value that must be a list. Raises ShapeChanged."""
    if not isinstance(value, list):
        raise ShapeChanged(path, f"is {_kind(value)}, where a list was expected")
    return value


def parse_rows(
    rows: Iterable[Any], path: str, read: Callable[[Record], RawPosting | None]
) -> tuple[tuple[RawPosting, ...], tuple[str, ...]]:
    """Read every row; returns the drafts and the fields at fault of the rows that could not be read.

    One bad record must not hide the others; if all are bad it is the shape that has changed. A row for which ``read``
    returns None is not meant to be listed. Raises ShapeChanged.
    """
    drafts, faults, left_out = [], [], 0
    for number, row in enumerate(rows):
        try:
            draft = read(Record(row, f"{path}[{number}]"))
        except ShapeChanged as fault:
            faults.append(fault)
            continue
        if draft is None:
            left_out += 1
        else:
            drafts.append(draft)
    if faults and not drafts and not left_out:
        raise faults[0]
    return tuple(drafts), tuple(fault.field for fault in faults)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    if isinstance(value, str) and not value.strip():
        return "blank"
    return kinds.get(type(value), "a number")
