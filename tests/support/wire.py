"""gunicorn, as it is started by hand, and what is said to it in bytes."""

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
    """Sends bytes to gunicorn."""

    def __init__(self, port: int, server: "subprocess.Popen[bytes]") -> None:
        self.port = port
        self.server = server

    def connect(self) -> socket.socket:
        """A connection, for who wants to be slow."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_TIMEOUT)

    def __call__(self, words: bytes) -> tuple[int, dict, Any]:
        """Say it all; returns code, headers and document (or text) of the answer."""
        with self.connect() as connection:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            answer = read_to_end(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        document = json.loads(body) if "json" in headers["content-type"] else body.decode()
        return int(status.split()[1]), headers, document

    def listens(self) -> bool:
        """Whether it answers."""
        try:
            return self(HEALTH)[0] == 200
        except OSError:
            return False


def read_to_end(connection: socket.socket) -> bytes:
    """What is said on a connection until the other side closes its end."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def gunicorn(settings: Settings, **environment: str) -> Iterator[RawClient]:
    """One with four threads a process that belongs to the test."""
    port = free_port()
    ours = {"DATA_DIR": str(settings.data_dir), "AUTH": "local", "PORT": str(port), "WEB_DATABASE_CONNECTIONS": "4"}
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=PROJECT,
        env={**os.environ, **ours, **environment},
        stderr=subprocess.DEVNULL,
    )
    speaker = RawClient(port, server)
    try:
        wait_until(speaker.listens, what="gunicorn")
        yield speaker
    finally:
        server.terminate()
        server.wait(WAIT_TIMEOUT)
