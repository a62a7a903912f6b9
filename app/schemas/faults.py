"""The faults of a request, bounded: an answer names the first ones and the number of the others."""

from typing import Any

from marshmallow import ValidationError

from app.text import shorten

MAX_FAULTS = 100
"""The most faults that an answer names. A body can have a million."""

MAX_QUOTED_LENGTH = 100
"""The most characters of a member's name that an answer quotes."""

MAX_FAULT_LENGTH = 300
"""The most characters of a fault's text, which may quote a value."""

UNNAMED = "unnamed"
"""The key, among marshmallow's messages, of the number of faults beside the named ones."""


class Faults:
    """The first MAX_FAULTS faults by path (``companies.3.board``), and the number of the others."""

    def __init__(self) -> None:
        self.by_path: dict[str, list[str]] = {}
        self.more = 0
        self._left = MAX_FAULTS

    def add(self, messages: Any, path: str = "") -> None:
        """Add marshmallow's messages about the value at this path: a text, texts, a number, or messages by name."""
        if not self._left or isinstance(messages, int):
            self.more += _count(messages)
            return
        if isinstance(messages, dict):
            for name, inner in messages.items():
                self.add(inner, _join(path, str(name)))
            return
        texts = messages if isinstance(messages, list) else [messages]
        kept = texts[: self._left]
        self.more += len(texts) - len(kept)
        self._left -= len(kept)
        self.by_path.setdefault(path, []).extend(shorten(str(text), MAX_FAULT_LENGTH) for text in kept)

    def raise_any(self) -> None:
        """Raise InvalidBody if there are faults."""
        if self.by_path:
            raise InvalidBody(self)


class InvalidBody(ValidationError):
    """A body with faults that were collected within bounds."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults.by_path)
        self.faults = faults


def _count(messages: Any) -> int:
    if isinstance(messages, dict):
        return sum(map(_count, messages.values()))
    if isinstance(messages, int):
        return messages
    return len(messages) if isinstance(messages, list) else 1


def _join(path: str, name: str) -> str:
    name = shorten(name, MAX_QUOTED_LENGTH)
    return f"{path}.{name}" if path else name
