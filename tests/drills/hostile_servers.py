"""Hostile servers on loopback, one for each source, in a process of their own.

``python -m tests.drills.hostile_servers`` starts them, prints SOURCE_BASE_URLS, and serves until its input ends.
"""

import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.config.settings import PROJECT
from app.sources.base_urls import base_keys
from tests.drills import hostile_boards
from tests.drills.hostile_bodies import PAGE, TEXT, Reply, literal
from tests.drills.sleep import sleep_for

HOSTS_OF_THEIR_OWN = ("personio", "recruitee", "teamtailor", "website")
"""The sources at which each company has a host. Here the company's name is the first part of the path."""

CHUNKS = b"1\r\na\r\n" * 10_000
MAX_SECONDS = 120
"""Seconds after which a slow response ends."""

NOT_FOUND = Reply(literal("{}"), PAGE, 404)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, source: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.source = source

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no traceback: the product closes connections early, as it should."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        first = int(parse_qs(url.query).get("skip", ["0"])[0])
        reply = _reply(self.server.source, url.path)
        self.close_connection = True
        if reply.is_silent or reply.byte_seconds or reply.is_chunked:
            self._send_slowly(reply)
        else:
            self._send(reply, _encoded(self.server.source, url.path, first))

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _send(self, reply: Reply, body: bytes) -> None:
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(body)), "Connection": "close"}
        if reply.is_compressed:
            headers["Content-Encoding"] = "gzip"
        self.send_response(reply.status)
        for name, value in (*headers.items(), *reply.headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_slowly(self, reply: Reply) -> None:
        """Send nothing, or single bytes, until the product closes the connection."""
        if reply.is_silent:
            self.connection.settimeout(MAX_SECONDS)
            self.rfile.read(1)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header(*(("Transfer-Encoding", "chunked") if reply.is_chunked else ("Content-Length", "30000000")))
        self.end_headers()
        for _ in range(MAX_SECONDS if reply.byte_seconds else 1_000_000):
            self.wfile.write(b"[" if reply.byte_seconds else CHUNKS)
            sleep_for(reply.byte_seconds)


def _reply(source: str, path: str) -> Reply:
    board = hostile_boards.find(source, path)
    if board is None:
        robots = hostile_boards.ROBOTS.get(source)
        return Reply(robots, TEXT) if robots and path == "/robots.txt" else NOT_FOUND
    return next((reply for end, reply in board.replies.items() if path.endswith(end)), NOT_FOUND)


@lru_cache(8)
def _encoded(source: str, path: str, first: int) -> bytes:
    """Return the bytes on the wire. They are small, so that both the network and this process stay small."""
    reply = _reply(source, path)
    if not reply.is_compressed:
        return b"".join(reply.body(first))
    compressor = zlib.compressobj(1, wbits=31)
    return b"".join([*map(compressor.compress, reply.body(first)), compressor.flush()])


@contextmanager
def hostile_servers() -> Iterator[str]:
    """Run the servers inside this block; yield the value of SOURCE_BASE_URLS."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "tests.drills.hostile_servers"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(30)


def main() -> None:
    """Serve until the input ends."""
    bases = {}
    for key in base_keys():
        source = key.partition("_")[0]
        server = _Server(source)
        Thread(target=server.serve_forever, daemon=True).start()
        path = "/{token}" if source in HOSTS_OF_THEIR_OWN else ""
        bases[key] = f"http://127.0.0.1:{server.server_port}{path}"
    print(json.dumps(bases), flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
