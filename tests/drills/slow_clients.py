"""Slow, silent and misbehaving clients, as on bad networks, in browsers that preconnect, and in attacks."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from tests.drills.broker_faults import abort_all, check_answers
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.testbed import Testbed
from tests.drills.users import User

HEAD = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\n"

IMPORT = b"POST /api/ingestion/companies/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LARGE = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
KEPT_OPEN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
OPENINGS = {
    "silent": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
    "half a chunk": HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
    "false last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n\r\n0\r\n\r\n",
    "expects 100": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n",
    "long body, not signed in": IMPORT + b"Content-Length: 9000000\r\n\r\n[",
    "reads no answer": LARGE * 100,
    "never closes": KEPT_OPEN,
}
CLIENTS_PER_KIND = 60
"""Number of clients of each kind that are connected at any time."""

NEVER_READ = (KEPT_OPEN, LARGE * 100)
"""The first bytes sent by clients that never read."""

BYTE_INTERVAL_SECONDS = 0.5

MAX_SECONDS = 60
"""Time limit for one kind of client."""


class ClientPool:
    """Clients that send a byte now and then, and connect again after a disconnect."""

    def __init__(self, port: int, opening: bytes) -> None:
        self.port = port
        self.opening = opening
        self.clients: list[socket.socket] = []
        self.disconnected = 0

    def connect(self) -> None:
        """Connect new clients until there are CLIENTS_PER_KIND."""
        while len(self.clients) < CLIENTS_PER_KIND:
            client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            client.sendall(self.opening)
            client.setblocking(False)
            self.clients.append(client)

    def send_byte(self) -> None:
        """Send a byte from each client that is not silent; replace the clients that were disconnected."""
        for client in list(self.clients):
            try:
                client.send(b"1" if self.opening else b"")
                is_closed = self.opening not in NEVER_READ and client.recv(4096) == b""
            except BlockingIOError:
                is_closed = False
            except OSError:
                is_closed = True
            if is_closed:
                self.disconnected += 1
                self.clients.remove(client)
                client.close()
        self.connect()

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.close()


@contextmanager
def connected_clients(port: int, opening: bytes) -> Iterator[ClientPool]:
    """Keep clients of this kind connected inside this block."""
    clients, done = ClientPool(port, opening), Event()

    def keep_sending() -> None:
        while not done.wait(BYTE_INTERVAL_SECONDS):
            clients.send_byte()

    clients.connect()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(keep_sending)
        try:
            yield clients
        finally:
            done.set()
        sending.result()
    clients.close()


@drill("slow clients", "Web", PRODUCT)
def slow_clients(testbed: Testbed) -> Outcome:
    """60 clients stay silent; or send a head, a body or a chunk byte by byte; or expect 100 Continue and send no more;
    or begin a long body without signing in; or read no answer; or do not close their end. A disconnected client
    connects again. Starts and aborts of 8 users are answered within 3 s, until each client has been disconnected.
    """
    seconds: list[float] = []
    disconnected = {}
    for name, opening in OPENINGS.items():
        users, ends_at = testbed.users(8), time.monotonic() + MAX_SECONDS
        with connected_clients(testbed.port, opening) as clients:
            while clients.disconnected < CLIENTS_PER_KIND and time.monotonic() < ends_at:
                started = testbed.run_concurrently(User.start, users)
                seconds += check_answers(testbed, started)
                seconds += abort_all(testbed, users, started)
        if clients.disconnected < CLIENTS_PER_KIND:
            testbed.record_violation(f"{name}: {clients.disconnected} of {CLIENTS_PER_KIND} clients were disconnected")
        disconnected[name] = clients.disconnected
    return Outcome(len(seconds), "answers", seconds, "answer", {"disconnected": disconnected})
