"""A proxy in front of PostgreSQL that cuts the connection before or after a given statement is committed."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

BEFORE, AFTER = "before", "after"

PATTERNS = {
    ("start", BEFORE): b"INSERT INTO ingestion_runs",
    ("start", AFTER): b"started_run_id\0",
    ("abort", BEFORE): b"UPDATE ingestion_runs",
    ("abort", AFTER): b"UPDATE 1\0",
}
"""The bytes at which the connection is cut. In autocommit, PostgreSQL sends rows and their count after the
commit."""


class PostgresProxy:
    """Forward connections on loopback to a Unix socket. ``cut`` is the key in PATTERNS of the next cut."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)
        self.cut: tuple[str, str] | None = None
        self.cuts = 0
        self.ended = Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    @contextmanager
    def listening(self) -> Iterator["PostgresProxy"]:
        """Forward connections inside this block."""
        Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self.ended.set()
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.ended.is_set():
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self.target)
                except OSError:
                    client.close()
                    continue
                for source, sink, way in ((client, server, BEFORE), (server, client, AFTER)):
                    Thread(target=self._forward, args=(source, sink, way), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if (cut := self.cut) and cut[1] == way and PATTERNS[cut] in data:
                    self.cut = None
                    self.cuts += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                # Send a reset, as from a broken network.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()
