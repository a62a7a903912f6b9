"""Greenhouse boards on loopback under a seeded adversary: they shrink, empty, flap, vanish, hang, change and repost.

The server notes each response, so that a checker can compare the product's postings with what the boards said.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from tests.drills.board_server import BoardServer, Response, listing
from tests.support.boards import job

HANG_SECONDS = 20
"""Seconds after which a hanging response ends; longer than the reading's deadline."""

MIN_POSTINGS, MAX_POSTINGS = 0, 60
TITLES = ("Cook", "Head Cook", "Baker", "Gardener", "Engineer", "Head of Gardens")

LIES = ("half", "empty", "missing", "hanging", "broken", "partial", "failing")
"""The ways in which a board's responses differ from its truth for a while."""


@dataclass(frozen=True)
class Shown:
    """A response's time, and the ids of the postings that it had, or None if it was no whole listing."""

    at: datetime
    ids: frozenset[int] | None


@dataclass
class AdverseBoard:
    """One board: its postings in truth, the lie that it tells at present, and its responses."""

    name: str
    titles: dict[int, str] = field(default_factory=dict)
    lie: str | None = None
    is_gone: bool = False
    next_id: int = 1
    responses: list[Shown] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, count: int, randomness: random.Random) -> None:
        """Add postings."""
        for _ in range(min(count, MAX_POSTINGS - len(self.titles))):
            self.titles[self.next_id] = randomness.choice(TITLES)
            self.next_id += 1

    def truth(self) -> set[str]:
        """Return the ids of the postings that the board offers in truth."""
        return set() if self.is_gone else {str(each) for each in self.titles}

    def respond(self) -> Response:
        """Note and return the response to one request."""
        with self.lock:
            lie, titles = "missing" if self.is_gone else self.lie, dict(self.titles)
            if lie in ("half", "empty"):
                kept = sorted(titles)[: len(titles) // 3 if lie == "half" else 0]
                titles = {each: titles[each] for each in kept}
            is_whole = lie in (None, "half", "empty")
            self.responses.append(Shown(datetime.now(UTC), frozenset(titles) if is_whole else None))
        rows: list[Any] = [job(each, title, f"<p>{title} number {each}</p>") for each, title in titles.items()]
        if lie == "partial":
            rows.append({**job(0, "Cook"), "id": None})
        if lie == "hanging":
            return Response(0, delay=HANG_SECONDS)
        body = listing(rows)
        if lie == "broken":
            body = body[: len(body) // 2]
        return Response({"missing": 404, "failing": 500}.get(lie or "", 200), body)


class AdverseBoards:
    """All boards, and their server."""

    def __init__(self, count: int, randomness: random.Random) -> None:
        self.random = randomness
        self.boards = {name: AdverseBoard(name) for name in (f"board-{number}" for number in range(count))}
        for board in self.boards.values():
            board.add(randomness.randint(3, 40), randomness)
        self.server = BoardServer()
        self.server.boards |= self.boards

    def disturb(self) -> str:
        """Change one board: what it offers in truth, or the lie that it tells. Return the kind of the change."""
        board = self.random.choice(list(self.boards.values()))
        change = self.random.choice(
            ["grow", "shrink", "clear", "retitle", "repost", "vanish", "return", "honest", *LIES]
        )
        with board.lock:
            if change in LIES:
                board.lie = change
            else:
                getattr(self, f"_{change}")(board)
        return change

    def become_honest(self) -> None:
        """End all lies. Boards that are gone stay so."""
        for board in self.boards.values():
            board.lie = None

    def _grow(self, board: AdverseBoard) -> None:
        board.add(self.random.randint(1, 10), self.random)

    def _shrink(self, board: AdverseBoard) -> None:
        for each in self.random.sample(sorted(board.titles), len(board.titles) * self.random.randint(1, 9) // 10):
            del board.titles[each]

    def _clear(self, board: AdverseBoard) -> None:
        board.titles.clear()

    def _retitle(self, board: AdverseBoard) -> None:
        for each in board.titles:
            if self.random.random() < 0.2:
                board.titles[each] = self.random.choice(TITLES)

    def _repost(self, board: AdverseBoard) -> None:
        """Give some postings new ids, as a company does that posts its offers again."""
        for each in self.random.sample(sorted(board.titles), len(board.titles) // 4):
            board.titles[board.next_id] = board.titles.pop(each)
            board.next_id += 1

    def _vanish(self, board: AdverseBoard) -> None:
        board.is_gone = True

    def _return(self, board: AdverseBoard) -> None:
        board.is_gone = False

    def _honest(self, board: AdverseBoard) -> None:
        board.lie = None
