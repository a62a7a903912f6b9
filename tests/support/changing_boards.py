"""Boards that somebody changes between two readings in every way that boards of companies have been seen to change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.boards import Boards, Reply, job

WORDS = ("Engineer", "Cook", "Gardener", "Nurse", "Head cook", "Plant engineer")
PLACES = ("Berlin", "Rome", "Oslo")
FAILURES = (401, 403, 404, 404, 404, 410)
WAYS = (
    *("stay", "add", "add", "drop", "drop", "edit", "edit", "rename", "move_place", "repost", "flap", "restore"),
    *("renumber", "shrink", "swap", "take_over", "whole", "whole", "whole", "empty", "lying", "nameless", "double"),
    *("unread", "rubbish", "broken", "fail", "tag"),
)
"""The ways in which a board changes: its postings, or the way it serves them. Some are more usual."""

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Content:
    """A posting's content, as far as a change of it is one of the job."""

    title: str
    text: str
    place: str


@dataclass(frozen=True)
class Served:
    """The postings that a board served at the time of a listing."""

    postings: Mapping[str, Content]
    """The postings that can be read, by external id."""
    unread: frozenset[str] = frozenset()
    """The ids of records that cannot be read further."""
    is_whole: bool = True

    def shows(self, external_id: str) -> bool:
        return external_id in self.postings or external_id in self.unread


NOTHING = Served({}, is_whole=False)


@dataclass
class ChangingBoard:
    """A board on Greenhouse, its postings, and the way it serves them."""

    name: str
    random: Random
    ids: list[int]
    """One number, shared by all boards: the last id that any of them has used."""
    postings: dict[int, Content] = field(default_factory=dict)
    away: dict[int, Content] = field(default_factory=dict)
    """Postings that may come back."""
    mode: str = "whole"
    has_tag: bool = True

    def served(self) -> Served:
        """Return what the board serves now."""
        postings = {str(each): content for each, content in self.postings.items()}
        if self.mode in ("whole", "lying", "nameless", "double"):
            return Served(postings, is_whole=self.mode in ("whole", "double"))
        if self.mode == "unread" and postings:
            first = min(postings)
            return Served({each: postings[each] for each in postings if each != first}, frozenset({first}))
        return Served({}) if self.mode in ("empty", "unread") else NOTHING

    def serve(self, boards: Boards) -> None:
        """Serve it on this server."""
        if self.mode.isdecimal():
            boards.fault(self.name, int(self.mode))
            return
        rows = self.rows()
        self.random.shuffle(rows)
        document = self.document(rows)
        if self.has_tag:
            tag = f'"{hash((self.mode, tuple(sorted(self.postings.items(), key=str))))}"'
            boards.greenhouse(self.name, rows, etag=tag)
        path = f"/v1/boards/{self.name}/jobs"
        if self.mode == "rubbish":
            boards.answer(path, Reply(200, b"<html><p>We are moving.</p></html>", {"Content-Type": "text/html"}))
        elif self.mode == "broken":
            boards.answer(path, Reply(200, json.dumps(document).encode()[:-20], JSON))
        elif not self.has_tag or self.mode == "lying":
            boards.answer(path, Reply(200, json.dumps(document).encode(), JSON))

    def rows(self) -> list[Any]:
        """Return the records that it serves now, in order of their ids."""
        rows: list[Any] = [_record(each, self.postings[each]) for each in sorted(self.postings)]
        if self.mode == "empty":
            return []
        if self.mode == "nameless":
            return [*rows, {"title": "Without an id"}]
        if self.mode == "double":
            return [*rows, *rows[:2]]
        if self.mode == "unread" and rows:
            first = min(str(row["id"]) for row in rows)
            return [{**row, "title": None} if str(row["id"]) == first else row for row in rows]
        return rows

    def document(self, rows: list[Any]) -> dict[str, Any]:
        """Return the answer with these records, and the total that the board claims."""
        return {"jobs": rows, "meta": {"total": len(rows) + (3 if self.mode == "lying" else 0)}}

    def change(self, others: Sequence["ChangingBoard"]) -> str:
        """Change the board in one way, and return its name."""
        way = self.random.choice(WAYS)
        if change := getattr(self, f"_{way}", None):
            change(others)
            if self.random.random() < 0.7:
                self.mode = "whole"
        elif way == "fail":
            self.mode = str(self.random.choice(FAILURES))
        elif way == "tag":
            self.has_tag = not self.has_tag
        elif way != "stay":
            self.mode = way
        return way

    def fill(self, number: int) -> "ChangingBoard":
        """Add postings."""
        for _ in range(number):
            self._add([])
        return self

    def _next_id(self) -> int:
        self.ids[0] += 1
        return self.ids[0]

    def _content(self) -> Content:
        title = f"{self.random.choice(WORDS)} {self.random.randrange(30)}"
        return Content(title, f"Text {self._next_id()}", self.random.choice(PLACES))

    def _pick(self, share: float) -> list[int]:
        return [each for each in [*self.postings] if self.random.random() < share]

    def _add(self, others: Sequence["ChangingBoard"]) -> None:
        self.postings[self._next_id()] = self._content()

    def _drop(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.15):
            self.postings.pop(each)

    def _flap(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.3):
            self.away[each] = self.postings.pop(each)

    def _restore(self, others: Sequence["ChangingBoard"]) -> None:
        self.postings |= self.away
        self.away.clear()

    def _edit(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.3):
            old = self.postings[each]
            self.postings[each] = Content(old.title, f"Text {self._next_id()}", old.place)

    def _rename(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.3):
            old = self.postings[each]
            self.postings[each] = Content(self._content().title, old.text, old.place)

    def _move_place(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.3):
            old = self.postings[each]
            self.postings[each] = Content(old.title, old.text, self.random.choice(PLACES))

    def _repost(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.2):
            self.postings[self._next_id()] = self.postings.pop(each)

    def _renumber(self, others: Sequence["ChangingBoard"]) -> None:
        self.postings = {self._next_id(): content for content in self.postings.values()}

    def _shrink(self, others: Sequence["ChangingBoard"]) -> None:
        for each in self._pick(0.7):
            self.away[each] = self.postings.pop(each)

    def _swap(self, others: Sequence["ChangingBoard"]) -> None:
        """Let another board have all postings, as if it answered for this one."""
        other = self.random.choice(others)
        self.postings, other.postings = other.postings, self.postings

    def _take_over(self, others: Sequence["ChangingBoard"]) -> None:
        """Move a posting here from another board, with its id."""
        other = self.random.choice(others)
        if other is not self and other.postings:
            moved = self.random.choice([*other.postings])
            self.postings[moved] = other.postings.pop(moved)


def _record(identity: int, content: Content) -> dict[str, Any]:
    return job(identity, content.title, f"<p>{content.text}</p>", location={"name": content.place})
