"""A server of Greenhouse boards on loopback, in a process of its own, so that it takes no time from the load.

``python -m bench.board_server POSTINGS`` prints its address, and serves until its input ends. Every name is a board.
The first word of the name is the board's kind: ``hanging``, ``missing`` or ``partial``; any other is a sound board.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit
from urllib.request import urlopen

from app.config.settings import PROJECT
from tests.support.boards import job

TEXT_BYTES = 3_400
"""The size of one posting's text, as in the median of real boards."""

NAME = "@board@"
"""The place of the board's name in the body that all boards share."""

TIMES = "@times@"
"""The place of the number of times that the board was requested. No adapter reads it, but no two bodies are alike."""

HANG_SECONDS = 120
"""Seconds after which a hanging response ends."""

COUNTS_PATH = "/counts"


class BoardServer(ThreadingHTTPServer):
    """The server; ``counts`` has the number of listings that were requested, by board."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, postings: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.counts: Counter[str] = Counter()
        self.lock = Lock()
        self._body = _body(postings)

    def reply(self, board: str) -> tuple[int, bytes]:
        """Count the request; return the status and the body."""
        with self.lock:
            self.counts[board] += 1
            times = self.counts[board]
        kind = board.partition("-")[0]
        if kind == "missing":
            return 404, b"{}"
        body = self._body.replace(NAME.encode(), board.encode()).replace(TIMES.encode(), str(times).encode())
        # A record without an id makes the listing partial.
        return 200, body.replace(b'"id": 1,', b'"id": null,', 1) if kind == "partial" else body

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback: the product closes connections at its deadlines."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BoardServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        board = path.removeprefix("/v1/boards/").removesuffix("/jobs")
        if path == COUNTS_PATH:
            self._send(200, json.dumps(self.server.counts).encode())
        elif board == path:
            self._send(404, b"")
        else:
            status, body = self.server.reply(board)
            if board.startswith("hanging"):
                self.close_connection = True
                self.connection.settimeout(HANG_SECONDS)
                self.rfile.read(1)
            else:
                self._send(status, body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_board_server(postings: int) -> Iterator[str]:
    """Serve boards of this many postings inside this block, in another process; yield the address."""
    command = [sys.executable, "-m", "bench.board_server", str(postings)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def requested(url: str) -> dict[str, int]:
    """Return the number of listings that were requested from this server, by board."""
    with urlopen(url + COUNTS_PATH, timeout=10) as answer:
        return dict(json.load(answer))


def _body(postings: int) -> bytes:
    """Return a board's JSON. Its texts differ, as real ones do, and name the board."""
    randomness = random.Random(postings)
    jobs = [job(number, f"Engineer {number}", _text(randomness)) for number in range(1, postings + 1)]
    return json.dumps({"jobs": jobs, "meta": {"total": postings, "times": TIMES}}).encode()


def _text(randomness: random.Random) -> str:
    words = f"&lt;p&gt;At {NAME} you will "
    while len(words) < TEXT_BYTES:
        words += "".join(randomness.choices("abcdefghijklmnoprstuvwyz", k=randomness.randint(2, 11))) + " "
    return words[:TEXT_BYTES] + "&lt;/p&gt;"


def main() -> None:
    """Serve until the input ends."""
    server = BoardServer(int(sys.argv[1]))
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
