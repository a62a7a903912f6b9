"""JSON records from other servers. Required members are checked; optional ones may be missing or malformed."""

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from app.sources.errors import ShapeChanged
from app.sources.parsing.html_text import one_line
from app.sources.parsing.json_rows import RowTooLarge
from app.sources.types import DOCUMENT, MAX_RECORDS, Faults, RawPosting, UnreadRecord

MAX_ID_LENGTH = 255
MAX_RAW_LENGTH = 10_000
"""The part of a title, an id or a name that is looked at. It is shortened further once it is tidy."""

Identify = Callable[["Record"], Iterable[str | None]]
"""A function that reads the ids which a record's posting may have, even if the rest cannot be parsed."""


class Record:
    """A JSON object with its path in the response. An optional member that is missing, null or malformed is None."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise ShapeChanged(path or DOCUMENT, f"is {_kind(value)}, but an object was expected")
        self._members: dict[str, Any] = value
        self._path = path

    def identity(self, name: str) -> str:
        """Return a required id as text; it may be a number in the response. Raises ShapeChanged."""
        return self.optional_identity(name) or self.text(name)

    def optional_identity(self, name: str) -> str | None:
        """Return an id as text, or None."""
        number = self.optional_number(name)
        return self.optional_text(name) if number is None else str(number)

    def text(self, name: str) -> str:
        """Return a required text. Raises ShapeChanged if it is missing or blank."""
        value = self.optional_text(name)
        if value is None:
            found = self._members.get(name)
            raise ShapeChanged(self._at(name), f"is {_kind(found) if name in self._members else 'missing'}")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None; also None if it is blank."""
        value = self._members.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def optional_number(self, name: str) -> int | None:
        """Return a whole number, or None. It may be written as a text or a float."""
        value = self._members.get(name)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool | None:
        """Return a Boolean, or None."""
        value = self._members.get(name)
        return value if isinstance(value, bool) else None

    def record(self, name: str) -> "Record":
        """Return the object in this member, or an empty record."""
        value = self._members.get(name)
        return Record(value if isinstance(value, dict) else {}, self._at(name))

    def records(self, name: str) -> list["Record"]:
        """Return the objects of the list in this member. A single object counts as a list of one."""
        items = enumerate(self._items(name))
        return [Record(item, f"{self._at(name)}[{n}]") for n, item in items if isinstance(item, dict)]

    def texts(self, name: str) -> list[str]:
        """Return the texts of the list in this member. A single text counts as a list of one."""
        return [item.strip() for item in self._items(name) if isinstance(item, str) and item.strip()]

    def names(self) -> list[str]:
        """Return the names of all members."""
        return list(self._members)

    def _items(self, name: str) -> list[Any]:
        value = self._members.get(name)
        return value if isinstance(value, list) else [value]

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


@dataclass
class Rows:
    """The rows of a response after they were parsed, without their postings."""

    records: int = 0
    """The number of rows, including those that are invalid or not listed."""
    faults: Faults = field(default_factory=Faults)
    """The path of the invalid field of each row that could not be parsed."""
    is_whole: bool = True
    """False if there are more than MAX_RECORDS rows. The rest is not parsed."""
    first: Record | None = None
    """The first row, if it is an object."""
    first_fault: tuple[str, str] | None = None
    """Place and nature of the first fault (see ShapeChanged)."""

    @property
    def is_rubbish(self) -> bool:
        """True if there are rows and none could be parsed. Then the format has changed."""
        return 0 < self.records == self.faults.count


def identity_in(name: str) -> Identify:
    """Return the function that reads an id from this member."""
    return lambda record: (record.optional_identity(name),)


def normal_identity(text: str) -> str | None:
    """Return the id under which a posting is stored; None if it is blank or too long."""
    identity = one_line(text[:MAX_RAW_LENGTH])
    return identity if 1 <= len(identity) <= MAX_ID_LENGTH else None


def parse_rows(
    rows: Iterable[Any],
    path: str,
    parse: Callable[[Record], RawPosting | None],
    identify: Identify,
    *,
    may_be_rubbish: bool = False,
) -> Generator[RawPosting | UnreadRecord, None, Rows]:
    """Parse row by row: yield the postings, and return the rest. A row may be the ShapeChanged that it caused.

    One bad row must not hide the others: it is yielded as an UnreadRecord if its id can be read. Raises ShapeChanged if
    all rows are bad: then the format has changed. With ``may_be_rubbish``, the caller looks after that.
    ``parse`` returns None for a row that is not meant to be listed.
    """
    read = Rows()
    for row in rows:
        if read.records == MAX_RECORDS:
            read.is_whole = False
            break
        read.records += 1
        place = f"{path}[{read.records - 1}]"
        try:
            record = _record(row, place)
            read.first = record if read.records == 1 else read.first
            found: RawPosting | UnreadRecord | None = parse(record)
        except ShapeChanged as error:
            # An error itself would keep this frame in memory, which has all rows, until the next garbage collection.
            read.first_fault = read.first_fault or (error.field, error.found)
            found = _unread(row, place, identify)
            read.faults.add(error.field, is_seen=found is not None)
        if found is not None:
            yield found
    if read.first_fault and read.is_rubbish and not may_be_rubbish:
        raise ShapeChanged(*read.first_fault)
    return read


def _record(row: Any, path: str) -> Record:
    if isinstance(row, ShapeChanged):
        raise row
    return Record(row, path)


def _unread(row: Any, path: str, identify: Identify) -> UnreadRecord | None:
    """Return the ids of a row that could not be parsed; None if the first, which counts, is missing or invalid."""
    members = row.members if isinstance(row, RowTooLarge) else row
    if not isinstance(members, dict):
        return None
    first, *others = (normal_identity(identity or "") for identity in identify(Record(members, path)))
    return UnreadRecord(tuple(dict.fromkeys(filter(None, (first, *others))))) if first else None


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a Boolean", type(None): "null"}
    if isinstance(value, str) and not value.strip():
        return "blank"
    return kinds.get(type(value), "a number")
