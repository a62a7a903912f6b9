"""A server of Greenhouse boards on loopback, in the process of the drills. Its boards decide what they respond."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.support.boards import job

MAX_DELAY_SECONDS = 120


@dataclass(frozen=True)
class Response:
    """A response to one request. A status of 0 sends nothing and closes the connection after the delay."""

    status: int = 200
    body: bytes = b"{}"
    delay: float = 0.0
    """Seconds before it is sent."""
    headers: dict[str, str] = field(default_factory=dict)


class Board(Protocol):
    """A board that is served."""

    def respond(self) -> Response:
        """Return the response to one request for its postings. Several threads call this at once."""
        ...


@dataclass
class SoundBoard:
    """A board that always tells the truth: the postings 0, 1, 2 …"""

    postings: int = 20
    delay: float = 0.0
    """Seconds that each response takes."""
    changing: int = 0
    """The number of its first postings that have another text in each response."""
    responses: int = 0

    def respond(self) -> Response:
        """Return all postings."""
        self.responses += 1
        versions = [self.responses if each < self.changing else 1 for each in range(self.postings)]
        rows = [job(each, f"Engineer {each}", f"<p>Text {each}.{versions[each]}</p>") for each in range(self.postings)]
        return Response(200, listing(rows), self.delay)


class BoardServer:
    """The server, and its boards by name. A name that it does not have is a 404."""

    def __init__(self) -> None:
        self.boards: dict[str, Board] = {}
        self.over = Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["BoardServer"]:
        """Serve during the block."""
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()

    def reset(self) -> None:
        """End all delays, and forget the boards."""
        self.over.set()
        self.over = Event()
        self.boards = {}


def listing(rows: list[Any], **meta: Any) -> bytes:
    """Return a board's answer with these jobs (``tests.support.boards.job``)."""
    return json.dumps({"jobs": rows, "meta": {"total": len(rows), **meta}}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no traceback: readers are killed in the middle of a response."""


def _handler(server: BoardServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Send the board's response: 304 if it has the entity tag that the request names."""
            name = urlsplit(self.path).path.removeprefix("/v1/boards/").removesuffix("/jobs")
            board, over = server.boards.get(name), server.over
            response = board.respond() if board else Response(404)
            if response.delay:
                over.wait(min(response.delay, MAX_DELAY_SECONDS))
            if not response.status:
                self.close_connection = True
                return
            headers = {"Content-Type": "application/json", **response.headers}
            if response.status == 200:
                headers["ETag"] = tag = f'"{sha256(response.body).hexdigest()[:16]}"'
                if self.headers.get("If-None-Match") == tag:
                    self._send(304, b"", {"ETag": tag})
                    return
            self._send(response.status, response.body, headers)

        def log_message(self, *_: Any) -> None:
            """Log nothing: boards note their responses if they need them."""

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
