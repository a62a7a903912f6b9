"""A real web server on loopback. A test sets its responses and their faults."""

import json
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"
"""A self-signed certificate for localhost and all names below boards.example; its key is public."""


@dataclass
class Reply:
    """A response."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    drip: float = 0.0
    """Seconds between two bytes of the body."""
    cut: int | None = None
    """Number of body bytes sent before the connection breaks: fewer than the Content-Length."""


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request."""

    at: float
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(urlsplit(self.target).path)


class Web:
    """The server. ``replies`` are keyed by target (with query) or by decoded path; other requests get a 404."""

    def __init__(self, tls: bool = False) -> None:
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.requests: list[ReceivedRequest] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
            # Handshake in the handler's thread, so that one client cannot block the others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = f"https://localhost:{self._server.server_port}"

    def json(self, path: str, document: Any, **more: Any) -> None:
        """Set a JSON document as the reply to a path."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        self.replies[path] = Reply(json.dumps(document).encode(), headers=headers, **more)

    def paths(self) -> list[str]:
        """Return the requested paths without robots.txt."""
        return [each.path for each in self.requests if each.path != "/robots.txt"]

    def reply_to(self, request: ReceivedRequest) -> Reply:
        """Return the reply to a request: several replies are sent in order, and the last one repeats."""
        found = self.replies.get(request.target) or self.replies.get(request.path) or Reply(b"nothing here", 404)
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    @contextmanager
    def serving(self) -> Iterator["Web"]:
        """Serve during the block."""
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def server_bind(self) -> None:
        """Bind without the look-up of this machine's name that HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no traceback: some tests close their connection early."""


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = ReceivedRequest(time.time(), self.path, headers)
            web.requests.append(request)
            reply = web.reply_to(request)
            time.sleep(reply.delay)  # simulates a slow server
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            if reply.drip:
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.drip)  # simulates a slow body
            self.wfile.write(b"" if reply.drip else reply.body[: reply.cut])
            if reply.cut is not None:
                # End with a reset, like a broken connection.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler
