"""Clients that are slow, silent or rude, as bad networks, browsers that connect ahead and attackers are."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from tests.drills.brokers import in_budget
from tests.drills.people import Person
from tests.drills.registry import PLACEHOLDER, drill
from tests.drills.results import Outcome
from tests.drills.stage import Stage

HEAD = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\n"

IMPORT = b"POST /api/ingestion/companies/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LARGE = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
RUDE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BEGINNINGS = {
    "silent": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
    "half a chunk": HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
    "false last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n\r\n0\r\n\r\n",
    "asks first": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n",
    "long body, not signed in": IMPORT + b"Content-Length: 9000000\r\n\r\n[",
    "takes no answer": LARGE * 100,
    "never closing": RUDE,
}
CROWD = 60
"""Clients of each kind at any time."""

DEAF = (RUDE, LARGE * 100)
"""What clients begin with that read nothing."""

LETTER_SECONDS = 0.5

MOST_SECONDS = 60
"""For one kind of client."""


class Crowd:
    """Clients who say a letter now and then, and come again when they are thrown out."""

    def __init__(self, port: int, beginning: bytes) -> None:
        self.port = port
        self.beginning = beginning
        self.clients: list[socket.socket] = []
        self.thrown_out = 0

    def come(self) -> None:
        """Fill up to CROWD."""
        while len(self.clients) < CROWD:
            client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            client.sendall(self.beginning)
            client.setblocking(False)
            self.clients.append(client)

    def say_a_letter(self) -> None:
        """All but the silent ones; who finds his connection closed comes again."""
        for client in list(self.clients):
            try:
                client.send(b"1" if self.beginning else b"")
                is_closed = self.beginning not in DEAF and client.recv(4096) == b""
            except BlockingIOError:
                is_closed = False
            except OSError:
                is_closed = True
            if is_closed:
                self.thrown_out += 1
                self.clients.remove(client)
                client.close()
        self.come()

    def leave(self) -> None:
        """Close them all."""
        for client in self.clients:
            client.close()


@contextmanager
def crowded(port: int, beginning: bytes) -> Iterator[Crowd]:
    """A crowd that is there inside this block."""
    crowd, over = Crowd(port, beginning), Event()

    def stay() -> None:
        while not over.wait(LETTER_SECONDS):
            crowd.say_a_letter()

    crowd.come()
    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(stay)
        try:
            yield crowd
        finally:
            over.set()
        staying.result()
    crowd.leave()


@drill("clients that hold on", "Web", PLACEHOLDER)
def holding_on(stage: Stage) -> Outcome:
    """60 clients send nothing, or go on letter by letter with a head, a body or a chunk, ask first and say no more,
    begin a long body without signing in, read no answer, or do not close their end, and come again when they are
    disconnected: 8 people's starts and aborts answer within 3 s, until each has been disconnected.
    """
    seconds: list[float] = []
    thrown_out = {}
    for name, beginning in BEGINNINGS.items():
        people, ends_at = stage.people(8), time.monotonic() + MOST_SECONDS
        with crowded(stage.port, beginning) as crowd:
            while crowd.thrown_out < CROWD and time.monotonic() < ends_at:
                begun = stage.crowd(Person.start, people)
                seconds += in_budget(stage, begun)
                pairs = [(person, reply.run_id) for person, reply in zip(people, begun, strict=True) if reply.run_id]
                seconds += in_budget(stage, stage.crowd(lambda pair: pair[0].abort(pair[1]), pairs), 200)
        if crowd.thrown_out < CROWD:
            stage.wrong(f"{name}: only {crowd.thrown_out} of {CROWD} clients were thrown out")
        thrown_out[name] = crowd.thrown_out
    return Outcome(len(seconds), "answers", seconds, "answer", {"thrown out": thrown_out})
