"""Boards on loopback that change and lie in every way that boards have been seen to, and note each response."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from threading import Lock

from tests.drills.board_server import Response
from tests.support.changing_boards import NOTHING, ChangingBoard, Served

BOARD_SECONDS = 3
"""The deadline of one reading."""

HANG_SECONDS = 2 * BOARD_SECONDS
RETRY_SECONDS = (1, 1, 2, 120)
"""The pauses for which a throttling board asks."""

MODES = ("429", "429", "500", "502", "503", "hanging", "flaky", "flaky", "reorder", "short", "short")
"""The modes of a board beside those of ``ChangingBoard``."""

NEW_MODE_SHARE = 0.2
CHANGED_SHARE = 0.2
"""The share of boards that change in one step."""


@dataclass
class LyingBoard(ChangingBoard):
    """A board that may also throttle, hang, fail, or be gone for good."""

    lock: Lock = field(default_factory=Lock)
    """One lock, shared by all boards: a change may move postings from one to another."""
    responses: list[tuple[datetime, Served]] = field(default_factory=list)
    order: int = 0
    """The seed of the order of its records."""
    has_failed: bool = False
    """True if it has responded since it became flaky."""
    is_gone: bool = False

    def served(self) -> Served:
        """Return what the board serves now."""
        if self.mode == "flaky":
            return Served({str(each): content for each, content in self.postings.items()})
        if self.mode == "short":
            kept = {str(each): self.postings[each] for each in self._shortened()}
            return Served(kept, is_whole=len(kept) == len(self.postings))
        return super().served()

    def truth(self) -> Served:
        """Return what an honest board offers."""
        postings = {} if self.is_gone else self.postings
        return Served({str(each): content for each, content in postings.items()})

    def respond(self) -> Response:
        """Note and return the response to one request."""
        with self.lock:
            is_first, self.has_failed = not self.has_failed, True
            fails = self.mode == "flaky" and is_first
            self.responses.append((datetime.now(UTC), NOTHING if fails else self.served()))
            return Response(503) if fails else self._response()

    def shown(self, since: datetime, until: datetime) -> Served:
        """Return what the last response between these times showed."""
        with self.lock:
            found = [served for at, served in self.responses if since <= at <= until]
        return found[-1] if found else NOTHING

    def change(self, others: Sequence[ChangingBoard]) -> str:
        """Change the board in one way, and return its name. The caller holds the lock."""
        if self.is_gone:
            return "gone"
        if self.random.random() >= NEW_MODE_SHARE:
            return super().change([each for each in others if not (isinstance(each, LyingBoard) and each.is_gone)])
        mode = self.random.choice(MODES)
        self.order += 1
        if mode != "reorder":
            self.mode, self.has_failed = mode, False
        return mode

    def leave(self) -> None:
        """Be gone for good."""
        self.mode, self.is_gone = "404", True

    def _shortened(self) -> set[int]:
        """Return the postings of an answer that has fewer than it claims: two of three."""
        return {each for number, each in enumerate(sorted(self.postings)) if (number + self.order) % 3}

    def _response(self) -> Response:
        if self.mode == "429":
            return Response(429, headers={"Retry-After": str(RETRY_SECONDS[self.order % len(RETRY_SECONDS)])})
        if self.mode.isdecimal():
            return Response(int(self.mode))
        if self.mode == "hanging":
            return Response(0, delay=HANG_SECONDS)
        if self.mode == "rubbish":
            return Response(200, b"<html><p>We are moving.</p></html>", headers={"Content-Type": "text/html"})
        rows = self.rows()
        document = self.document(rows)
        if self.mode == "short":
            kept = self._shortened()
            document["jobs"] = rows = [row for row in rows if row["id"] in kept]
        Random(self.order).shuffle(rows)
        body = json.dumps(document).encode()
        return Response(200, body[:-20] if self.mode == "broken" else body)


class Adversary:
    """All boards, and what changes them. Its decisions follow from the seed alone."""

    def __init__(self, count: int, random: Random) -> None:
        self.random, self.lock = random, Lock()
        ids = [0]
        self.boards = [
            LyingBoard(f"board-{number}", random, ids, lock=self.lock).fill(random.choice([3, 6, 14, 24]))
            for number in range(count)
        ]
        self.by_name = {board.name: board for board in self.boards}
        self.changes: dict[str, int] = {}

    def change(self, share: float = CHANGED_SHARE) -> None:
        """Change some boards."""
        with self.lock:
            for board in self.boards:
                if self.random.random() < share:
                    way = board.change(self.boards)
                    self.changes[way] = self.changes.get(way, 0) + 1

    def let_one_leave(self) -> None:
        """Let a board be gone for good."""
        with self.lock:
            self.random.choice(self.boards).leave()

    def become_honest(self) -> None:
        """End all lies. Boards that are gone stay so."""
        with self.lock:
            for board in self.boards:
                if not board.is_gone:
                    board.mode = "whole"
