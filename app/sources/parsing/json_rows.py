"""The rows of a list in a JSON response, read as a stream: one row is in memory at a time.

Measured: ``json.loads`` of 32 MB of ``{},{},…`` takes 765 MB before a row can be looked at.
"""

import codecs
import io
from collections.abc import Iterator
from typing import Any

import ijson

from app.sources.errors import ShapeChanged
from app.sources.types import DOCUMENT, Response

PIECE_BYTES = 65_536

MAX_TOKEN_BYTES = 4_000_000
"""The longest text or number. The parser holds a token as a whole, and an emoji makes it four times as large."""

MAX_ROW_VALUES = 10_000
"""The most values of a row, over all its objects and lists. The largest of a real board had 300."""

MAX_ROW_CHARACTERS = 4_000_000
"""The most characters in the texts of a row."""

MAX_ID_CHARACTERS = 10_000
"""The most characters of an id that is kept of such a row."""

MAX_DEPTH = 50

MAX_REST_VALUES = 1000
"""The most values of the document beside its rows."""

MAX_EVENTS = 5_000_000
"""The most objects, lists, members and values of a response. The rest stays unread; it would only cost time."""

EVENTS_PER_CHECK = 1000
"""The deadline is checked each time so many were read."""

STARTS = {"start_map", "start_array"}
ENDS = {"end_map", "end_array"}
KINDS = {
    "start_map": "an object",
    "start_array": "a list",
    "string": "a text",
    "number": "a number",
    "boolean": "a Boolean",
    "null": "null",
}

Event = tuple[str, Any]


class JsonRows:
    """The rows of the list ``name`` in a JSON object, or of a whole JSON list if ``name`` is empty.

    After the iteration ``rest`` has the object's other members, as far as they are small. A row beyond the limits of
    this module is yielded as RowTooLarge, and the rest of a response with more than MAX_EVENTS as a ShapeChanged. The
    iteration raises ShapeChanged for a response that is not of this form, and OutOfTime.

    ``identity`` is the member with a row's id, which is kept from a row that is too large.
    """

    def __init__(self, response: Response, name: str = "", identity: str = "id") -> None:
        self.rest: dict[str, Any] = {}
        self._name = name
        self._identity = identity
        self._body = response.body
        self._events = _Events(response)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._document() if self._name else self._list(DOCUMENT)
            self._events.finish()
        except _TooManyEvents:
            yield ShapeChanged(DOCUMENT, f"has more than {MAX_EVENTS:,} values")
        except (ijson.JSONError, ValueError) as error:
            is_page = self._body.lstrip()[:1] == b"<"
            found = "is a web page, but data was expected" if is_page else "is not valid JSON"
            raise ShapeChanged(DOCUMENT, found) from error

    def _document(self) -> Iterator[Any]:
        kind, _ = next(self._events)
        if kind != "start_map":
            raise ShapeChanged(DOCUMENT, f"is {KINDS[kind]}, but an object was expected")
        limits, is_found = _Limits(MAX_REST_VALUES), False
        while (member := next(self._events))[0] != "end_map":
            if member[1] == self._name:
                is_found = True
                yield from self._list(self._name)
            else:
                value = _value(self._events, next(self._events), limits)
                if limits.are_kept():
                    self.rest[member[1]] = value
        if not is_found:
            raise ShapeChanged(self._name, "is missing, but a list was expected")

    def _list(self, path: str) -> Iterator[Any]:
        kind, _ = next(self._events)
        if kind != "start_array":
            raise ShapeChanged(path, f"is {KINDS[kind]}, but a list was expected")
        number = 0
        while (event := next(self._events))[0] != "end_array":
            limits = _Limits(MAX_ROW_VALUES, self._identity)
            row = _value(self._events, event, limits)
            yield row if limits.are_kept() else RowTooLarge(f"{self._name}[{number}]", limits.identities)
            number += 1


class RowTooLarge(ShapeChanged):
    """A row is beyond the limits of this module. ``members`` has its id, if that is short."""

    def __init__(self, field: str, members: dict[str, Any]) -> None:
        super().__init__(field, "is too large")
        self.members = members


class _TooManyEvents(Exception):
    """The response has more than MAX_EVENTS."""


class _Events(Iterator[Event]):
    """The events of ijson. Raises _TooManyEvents, OutOfTime, ShapeChanged for a token that is too long."""

    def __init__(self, response: Response) -> None:
        self._deadline = response.deadline
        self._pieces = _Pieces(response.body)
        # With use_float an integer above 64 bits is an error. Without it, one of 5,000 digits crashes ijson 3.6.
        self._events = ijson.basic_parse(self._pieces, buf_size=PIECE_BYTES, use_float=True)
        self._count = 0

    def __next__(self) -> Event:
        self._count += 1
        if self._count % EVENTS_PER_CHECK == 0:
            self._deadline.check()
            if self._count > MAX_EVENTS:
                raise _TooManyEvents
        event: Event = next(self._events)
        self._pieces.since_event = 0
        return event

    def finish(self) -> None:
        """Read to the end, which must come now."""
        for _ in self._events:
            raise ValueError("text after the end")


class _Pieces:
    """A body without its byte-order mark, as a file that counts the bytes read since the last event."""

    def __init__(self, body: bytes) -> None:
        self._stream = io.BytesIO(body.removeprefix(codecs.BOM_UTF8))
        self.since_event = 0

    def read(self, size: int) -> bytes:
        """Read the next piece. Raises ShapeChanged within a token that is too long."""
        if self.since_event > MAX_TOKEN_BYTES:
            raise ShapeChanged(DOCUMENT, f"has a value of more than {MAX_TOKEN_BYTES // 1_000_000} MB")
        piece = self._stream.read(size)
        self.since_event += len(piece)
        return piece


class _Limits:
    """The values and characters that may still be kept of a row."""

    def __init__(self, values: int, identity: str | None = None) -> None:
        self.values = values
        self.characters = MAX_ROW_CHARACTERS
        self.identities: dict[str, Any] = {}
        """The member with the row's id, kept also beyond the limits: it may come after the texts."""
        self._identity = identity

    def note(self, name: str, value: Any, depth: int) -> None:
        """Keep a member of the row itself if it is its id."""
        if depth == 1 and name == self._identity and not (isinstance(value, str) and len(value) > MAX_ID_CHARACTERS):
            self.identities[name] = value

    def are_kept(self) -> bool:
        """Return whether everything was kept so far."""
        return self.values >= 0 and self.characters >= 0


def _value(events: _Events, event: Event, limits: _Limits, depth: int = 0) -> Any:
    """Build the value that begins with ``event``. What is beyond the limits is read, but not kept."""
    kind, value = event
    limits.values -= 1
    if kind == "string":
        limits.characters -= len(value)
        return value
    if kind not in STARTS:
        return value
    if depth == MAX_DEPTH or not limits.are_kept():
        limits.values = -1
        return _skip(events)
    return (_members if kind == "start_map" else _items)(events, limits, depth + 1)


def _members(events: _Events, limits: _Limits, depth: int) -> dict[str, Any]:
    members = {}
    while (member := next(events))[0] != "end_map":
        value = _value(events, next(events), limits, depth)
        limits.characters -= len(member[1])
        limits.note(member[1], value, depth)
        if limits.are_kept():
            members[member[1]] = value
    return members


def _items(events: _Events, limits: _Limits, depth: int) -> list[Any]:
    items = []
    while (event := next(events))[0] != "end_array":
        value = _value(events, event, limits, depth)
        if limits.are_kept():
            items.append(value)
    return items


def _skip(events: _Events) -> None:
    """Read to the end of an object or a list that has begun."""
    depth = 1
    while depth:
        kind, _ = next(events)
        depth += (kind in STARTS) - (kind in ENDS)
