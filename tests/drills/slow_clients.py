"""Clients that are slow, silent or rude, as bad networks, browsers that connect ahead and attackers are."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from tests.drills.broker_faults import check_answers
from tests.drills.registry import PLACEHOLDER, drill
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
    "asks first": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n",
    "long body, not signed in": IMPORT + b"Content-Length: 9000000\r\n\r\n[",
    "takes no answer": LARGE * 100,
    "never closing": KEPT_OPEN,
}
CLIENTS_PER_KIND = 60
"""Clients of each kind at any time."""

NEVER_READ = (KEPT_OPEN, LARGE * 100)
"""What clients begin with that read nothing."""

BYTE_INTERVAL_SECONDS = 0.5

MAX_SECONDS = 60
"""For one kind of client."""


class ClientPool:
    """Clients who say a letter now and then, and come again when they are disconnected."""

    def __init__(self, port: int, opening: bytes) -> None:
        self.port = port
        self.opening = opening
        self.clients: list[socket.socket] = []
        self.disconnected = 0

    def connect(self) -> None:
        """Fill up to CROWD."""
        while len(self.clients) < CLIENTS_PER_KIND:
            client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            client.sendall(self.opening)
            client.setblocking(False)
            self.clients.append(client)

    def send_byte(self) -> None:
        """All but the silent ones; who finds his connection closed comes again."""
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
        """Close them all."""
        for client in self.clients:
            client.close()


@contextmanager
def connected_clients(port: int, opening: bytes) -> Iterator[ClientPool]:
    """A clients that is there inside this block."""
    clients, over = ClientPool(port, opening), Event()

    def stay() -> None:
        while not over.wait(BYTE_INTERVAL_SECONDS):
            clients.send_byte()

    clients.connect()
    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(stay)
        try:
            yield clients
        finally:
            over.set()
        staying.result()
    clients.close()


@drill("clients that hold on", "Web", PLACEHOLDER)
def slow_clients(testbed: Testbed) -> Outcome:
    """60 clients send nothing, or go on letter by letter with a head, a body or a chunk, ask first and say no more,
    begin a long body without signing in, read no answer, or do not close their end, and come again when they are
    disconnected: 8 users's starts and aborts answer within 3 s, until each has been disconnected.
    """
    seconds: list[float] = []
    disconnected = {}
    for name, opening in OPENINGS.items():
        users, ends_at = testbed.users(8), time.monotonic() + MAX_SECONDS
        with connected_clients(testbed.port, opening) as clients:
            while clients.disconnected < CLIENTS_PER_KIND and time.monotonic() < ends_at:
                begun = testbed.run_concurrently(User.start, users)
                seconds += check_answers(testbed, begun)
                pairs = [(user, reply.run_id) for user, reply in zip(users, begun, strict=True) if reply.run_id]
                seconds += check_answers(testbed, testbed.run_concurrently(lambda pair: pair[0].abort(pair[1]), pairs), 200)
        if clients.disconnected < CLIENTS_PER_KIND:
            testbed.record_violation(f"{name}: only {clients.disconnected} of {CLIENTS_PER_KIND} clients were disconnected")
        disconnected[name] = clients.disconnected
    return Outcome(len(seconds), "answers", seconds, "answer", {"disconnected": disconnected})
