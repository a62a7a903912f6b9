"""The boards of the month, in a process of their own: ``python -m tests.drills.month_boards`` prints its address.

Each name ``month-N`` is a board of five to fifteen postings. On a day on which it changes, its oldest posting goes, a
new one comes, and one is edited. So what each board has on a day is known without a record.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from app.config.settings import PROJECT
from tests.support.boards import job

CHANGES_EVERY_DAYS = 20
"""A board changes on one day in this many, on average of the boards."""

TEXT = "<p>Text {} of posting {}.</p>" + "<p>We build and repair gardens, bridges and clocks.</p>" * 20


@dataclass(frozen=True)
class MonthBoard:
    """A board, by its number."""

    number: int

    @property
    def name(self) -> str:
        """The name by which it is served."""
        return f"month-{self.number}"

    @property
    def size(self) -> int:
        """The number of its postings, on every day."""
        return 5 + self.number % 11

    def changes(self, day: int) -> int:
        """Return how often it has changed by that day, day 0 being the first."""
        return (day + self.number % CHANGES_EVERY_DAYS) // CHANGES_EVERY_DAYS

    def postings(self, day: int) -> dict[int, int]:
        """Return the version of each posting's text on that day, by the posting's id."""
        first = self.changes(day)
        return {each: int(first > 0 and each == first) for each in range(first, first + self.size)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    day = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback: the product closes connections at its deadlines."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Send the board of today; 304 if it is the one that the request names."""
        number = urlsplit(self.path).path.removeprefix("/v1/boards/month-").removesuffix("/jobs")
        if not number.isdecimal():
            self._send(404, b"", "")
            return
        board = MonthBoard(int(number))
        day = self.server.day
        tag = f'"{board.number}-{board.changes(day)}"'
        if self.headers.get("If-None-Match") == tag:
            self._send(304, b"", tag)
            return
        rows = [job(each, f"Gardener {each}", TEXT.format(version, each))
                for each, version in board.postings(day).items()]
        self._send(200, json.dumps({"jobs": rows, "meta": {"total": len(rows)}}).encode(), tag)

    def do_PUT(self) -> None:
        """Begin the day that the path names."""
        self.server.day = int(self.path.rpartition("/")[2])
        self._send(204, b"", "")

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _send(self, status: int, body: bytes, tag: str) -> None:
        self.send_response(status)
        headers = {"Content-Type": "application/json", "ETag": tag}
        if status != 304:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def begin_day(url: str, day: int) -> None:
    """Let the boards be those of that day from now on."""
    with urlopen(Request(f"{url}/day/{day}", method="PUT"), timeout=10):
        pass


@contextmanager
def running_month_boards() -> Iterator[str]:
    """Serve the boards inside this block, in another process; yield the address."""
    command = [sys.executable, "-m", "tests.drills.month_boards"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until the input ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
