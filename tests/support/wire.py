"""A gunicorn started by hand, and raw bytes sent to it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.config.settings import PROJECT, Settings
from tests.support.product import free_port
from tests.support.waiting import WAIT_TIMEOUT, wait_until

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class RawClient:
    """A client that sends raw bytes to gunicorn."""

    def __init__(self, port: int, server: "subprocess.Popen[bytes]") -> None:
        self.port = port
        self.server = server

    def connect(self) -> socket.socket:
        """Return an open connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_TIMEOUT)

    def __call__(self, data: bytes) -> tuple[int, dict, Any]:
        """Send the bytes; return status, headers and document (or text) of the response."""
        with self.connect() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = read_to_end(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        document = json.loads(body) if "json" in headers["content-type"] else body.decode()
        return int(status.split()[1]), headers, document

    def listens(self) -> bool:
        """Return True if gunicorn answers."""
        try:
            return self(HEALTH)[0] == 200
        except OSError:
            return False


def read_to_end(connection: socket.socket) -> bytes:
    """Return all bytes received until the other side closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def gunicorn(settings: Settings, **environment: str) -> Iterator[RawClient]:
    """Run gunicorn during the block, with four database connections per process."""
    port = free_port()
    ours = {"DATA_DIR": str(settings.data_dir), "AUTH": "local", "PORT": str(port), "WEB_DATABASE_CONNECTIONS": "4"}
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=PROJECT,
        env={**os.environ, **ours, **environment},
        stderr=subprocess.DEVNULL,
    )
    client = RawClient(port, server)
    try:
        wait_until(client.listens, what="gunicorn")
        yield client
    finally:
        server.terminate()
        server.wait(WAIT_TIMEOUT)
