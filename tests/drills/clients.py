"""Clients that are slow, silent or rude, as bad networks, browsers that connect ahead and attackers are."""

import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from tests.drills.brokers import in_budget
from tests.drills.people import Person
from tests.drills.registry import PLACEHOLDER, drill
from tests.drills.results import Outcome
from tests.drills.stage import Stage

HEAD = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\n"

BEGINNINGS = {
    "silent": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
    "half a chunk": HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
    "never closing": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
}
CROWD = 60
"""Clients of each kind at any time, each of them many more than there are threads."""

LETTER_SECONDS = 0.5


class Crowd:
    """Clients who say a letter now and then, and come again when they are thrown out."""

    def __init__(self, port: int, beginning: bytes) -> None:
        self.port = port
        self.beginning = beginning
        self.clients: deque[socket.socket] = deque()
        self.came = 0

    def come(self) -> None:
        """Fill up to CROWD."""
        while len(self.clients) < CROWD:
            client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            client.sendall(self.beginning)
            self.clients.append(client)
            self.came += 1

    def say_a_letter(self) -> None:
        """All but the silent ones; whose connection is at its end leaves, and others come."""
        for client in list(self.clients):
            try:
                client.send(b"a" if self.beginning else b"")
            except OSError:
                self.clients.remove(client)
                client.close()
        # Of those that nobody throws out some get tired.
        for _ in range(CROWD // 10):
            self.clients.popleft().close()
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
    thread = Thread(target=stay)
    thread.start()
    try:
        yield crowd
    finally:
        over.set()
        thread.join()
        crowd.leave()


@drill("clients that hold on", "Web", PLACEHOLDER)
def holding_on(stage: Stage) -> Outcome:
    """60 clients say nothing, or go on letter by letter with a head, a body or a chunk, or do not close their end, and
    come again when they are thrown out: 8 people's starts and aborts answer within 3 s.
    """
    seconds: list[float] = []
    came = {}
    for name, beginning in BEGINNINGS.items():
        people = stage.people(8)
        with crowded(stage.port, beginning) as crowd:
            for _ in range(stage.times(20, 2)):
                begun = stage.crowd(Person.start, people)
                seconds += in_budget(stage, begun)
                pairs = [(person, reply.run_id) for person, reply in zip(people, begun, strict=True) if reply.run_id]
                seconds += in_budget(stage, stage.crowd(lambda pair: pair[0].abort(pair[1]), pairs), 200)
        came[name] = crowd.came
    return Outcome(len(seconds), "answers", seconds, "answer", came)
