"""Greenhouse boards on loopback under a seeded adversary: they shrink, empty, flap, vanish, hang, change and repost.

The server notes each response, so that a checker can compare the product's postings with what the boards said.
"""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from tests.support.boards import job

HANG_SECONDS = 20
"""Seconds after which a hanging response ends; longer than the reading's deadline."""

MIN_POSTINGS, MAX_POSTINGS = 0, 60
TITLES = ("Cook", "Head Cook", "Baker", "Gardener", "Engineer", "Head of Gardens")

LIES = ("half", "empty", "missing", "hanging", "broken", "partial", "failing")
"""The ways in which a board's responses differ from its truth for a while."""


@dataclass(frozen=True)
class Response:
    """A response: its time, and the ids of the postings that it had, or None if it was no whole listing."""

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
    responses: list[Response] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, count: int, randomness: random.Random) -> None:
        """Add postings."""
        for _ in range(min(count, MAX_POSTINGS - len(self.titles))):
            self.titles[self.next_id] = randomness.choice(TITLES)
            self.next_id += 1

    def truth(self) -> set[str]:
        """Return the ids of the postings that the board offers in truth."""
        return set() if self.is_gone else {str(each) for each in self.titles}

    def respond(self) -> tuple[int, bytes, bool]:
        """Note a response; return its status, its body, and whether it hangs."""
        with self.lock:
            lie, titles = "missing" if self.is_gone else self.lie, dict(self.titles)
            if lie in ("half", "empty"):
                kept = sorted(titles)[: len(titles) // 3 if lie == "half" else 0]
                titles = {each: titles[each] for each in kept}
            is_whole = lie in (None, "half", "empty")
            self.responses.append(Response(datetime.now(UTC), frozenset(titles) if is_whole else None))
        rows: list[Any] = [job(each, title, f"<p>{title} number {each}</p>") for each, title in titles.items()]
        if lie == "partial":
            rows.append({**job(0, "Cook"), "id": None})
        body = json.dumps({"jobs": rows, "meta": {"total": len(rows)}}).encode()
        if lie == "broken":
            body = body[: len(body) // 2]
        return {"missing": 404, "failing": 500}.get(lie or "", 200), body, lie == "hanging"


class AdverseBoards:
    """All boards and their server."""

    def __init__(self, count: int, randomness: random.Random) -> None:
        self.random = randomness
        self.boards = {name: AdverseBoard(name) for name in (f"board-{number}" for number in range(count))}
        for board in self.boards.values():
            board.add(randomness.randint(3, 40), randomness)
        self.over = Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["AdverseBoards"]:
        """Serve during the block."""
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no traceback: readers are killed in the middle of a response."""


def _handler(boards: AdverseBoards) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = urlsplit(self.path).path.removeprefix("/v1/boards/").removesuffix("/jobs")
            if name not in boards.boards:
                return self._send(404, b"{}", {})
            status, body, hangs = boards.boards[name].respond()
            if hangs:
                self.close_connection = True
                boards.over.wait(HANG_SECONDS)
                return
            tag = f'"{sha256(body).hexdigest()[:16]}"'
            if status == 200 and self.headers.get("If-None-Match") == tag:
                return self._send(304, b"", {"ETag": tag})
            self._send(status, body, {"ETag": tag} if status == 200 else {})

        def log_message(self, *_: Any) -> None:
            """Log nothing: responses are noted by their boards."""

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
            for field_name, value in fields.items():
                self.send_header(field_name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
