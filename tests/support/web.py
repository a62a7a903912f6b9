"""A real web server on loopback, whose answers a test writes, faults among them."""

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
"""For localhost and all names below boards.example, signed by itself, with a key that everybody may know."""


@dataclass
class Reply:
    """What is sent."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    drip: float = 0.0
    """Seconds between one byte of the body and the next."""
    cut: int | None = None
    """After so many bytes of the body the connection ends, though more was promised."""


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that came in."""

    at: float
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """Without the query, decoded."""
        return unquote(urlsplit(self.target).path)


class Web:
    """The server: ``replies`` by path, decoded and without query, or by path with query; 404 for all else."""

    def __init__(self, tls: bool = False) -> None:
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.requests: list[ReceivedRequest] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
            # The handshake waits for the handler's thread, so that one client cannot hold up the others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = f"https://localhost:{self._server.server_port}"

    def json(self, path: str, document: Any, **more: Any) -> None:
        """Answer a path with a JSON document."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        self.replies[path] = Reply(json.dumps(document).encode(), headers=headers, **more)

    def paths(self) -> list[str]:
        """What was asked for, robots.txt left out."""
        return [each.path for each in self.requests if each.path != "/robots.txt"]

    def reply_to(self, asked: ReceivedRequest) -> Reply:
        """The answer to a request: of several for one address one after the other, the last for ever."""
        found = self.replies.get(asked.target) or self.replies.get(asked.path) or Reply(b"nothing here", 404)
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    @contextmanager
    def serving(self) -> Iterator["Web"]:
        """Serve inside this block."""
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
        """Without asking the name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = ReceivedRequest(time.time(), self.path, headers)
            web.requests.append(asked)
            reply = web.reply_to(asked)
            time.sleep(reply.delay)  # the slow server that a test asks for
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            if reply.drip:
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.drip)  # likewise
            self.wfile.write(b"" if reply.drip else reply.body[: reply.cut])
            if reply.cut is not None:
                # With a reset, as a connection ends that breaks.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
