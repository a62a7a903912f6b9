"""A load generator: so many clients on one thread, each with a connection of its own.

What a client says is a generator: it yields the bytes of a request and is sent the status and body of the answer. A
client asks again as soon as it is answered, or, as an open page does, so many seconds after it asked before.
"""

import heapq
import json
import selectors
import socket
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import cycle

Script = Generator[bytes, tuple[int, bytes], None]

LENGTH = b"\r\ncontent-length: "
NO_ANSWER = 0
"""In the place of a status: the server closed the connection instead of answering."""

API = "/api/ingestion"


@dataclass
class Measured:
    """What came of a load."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def bad(self) -> int:
        """Requests that were not answered, or by a 5xx."""
        return sum(number for status, number in self.statuses.items() if status == NO_ANSWER or status >= 500)

    def ms(self, percent: float) -> float:
        """So many percent of the answers took at most this many milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000

    def add(self, other: "Measured") -> None:
        """Take another round's answers in."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.statuses += other.statuses


class Client:
    """A connection, and what is said on it."""

    def __init__(self, port: int, script: Script) -> None:
        self.port = port
        self.script = script
        self.saying = next(script)
        self.asked_at = 0.0
        self._answer = b""
        self.socket = self._connected()

    def ask(self) -> None:
        """Send the request."""
        self._answer = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(self.saying)

    def read(self) -> tuple[int, bytes] | None:
        """Take what has arrived; returns status and body once the answer is whole. Raises ConnectionError."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError
        self._answer += piece
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return None
        return int(head[9:12]), body

    def go_on(self, answer: tuple[int, bytes]) -> None:
        """Hear the answer and decide on the next request."""
        self.saying = self.script.send(answer)

    def reconnect(self) -> None:
        """Open another connection, as a browser does when the server has closed an idle one."""
        self.socket.close()
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Load:
    """The clients of one load."""

    def __init__(self, port: int, scripts: list[Script], pause: float = 0.0) -> None:
        self.pause = pause
        self.clients = [Client(port, script) for script in scripts]
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int]] = []

    def put(self, seconds: float, most: int | None = None) -> Measured:
        """Put it on the server for so long, or until so many answers came."""
        measured = Measured()
        began = time.perf_counter()
        for number in range(len(self.clients)):
            # Open pages do not poll in step.
            self._begin(number, began + self.pause * number / len(self.clients))
        end = began + seconds
        while (now := time.perf_counter()) < end and (most is None or len(measured.latencies) < most):
            self._ask_due(now)
            for key, _ in self._selector.select(self._wait(now, end)):
                self._hear(key.data, measured)
        measured.seconds = time.perf_counter() - began
        self._selector.close()
        for client in self.clients:
            client.socket.close()
        return measured

    def _begin(self, number: int, at: float) -> None:
        self._selector.register(self.clients[number].socket, selectors.EVENT_READ, number)
        self._ask_at(number, at)

    def _ask_at(self, number: int, at: float) -> None:
        if self.pause:
            heapq.heappush(self._due, (at, number))
        else:
            self.clients[number].ask()

    def _ask_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            self.clients[heapq.heappop(self._due)[1]].ask()

    def _wait(self, now: float, end: float) -> float:
        return max(0.0, min(end, self._due[0][0] if self._due else end) - now)

    def _hear(self, number: int, measured: Measured) -> None:
        client = self.clients[number]
        try:
            answer = client.read()
        except ConnectionError:
            measured.statuses[NO_ANSWER] += 1
            self._selector.unregister(client.socket)
            client.reconnect()
            self._begin(number, client.asked_at + self.pause)
            return
        if answer:
            measured.latencies.append(time.perf_counter() - client.asked_at)
            measured.statuses[answer[0]] += 1
            client.go_on(answer)
            self._ask_at(number, client.asked_at + self.pause)


def put(port: int, scripts: list[Script], seconds: float, most: int | None = None) -> Measured:
    """Put a load of clients that never rest on the server."""
    return Load(port, scripts).put(seconds, most)


def request(method: str, path: str, token: str) -> bytes:
    """The bytes of a request without a body."""
    length = "" if method == "GET" else "Content-Length: 0\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{length}\r\n".encode()


def reader(token: str, *paths: str) -> Script:
    """Read these addresses in turn."""
    for asked in cycle([request("GET", f"{API}/{path}", token) for path in paths]):
        yield asked


def starter(token: str) -> Script:
    """Start a run and abort it, again and again."""
    start = request("POST", f"{API}/start", token)
    while True:
        status, body = yield start
        # A run that an interrupted load has left is aborted first.
        if status in (201, 409):
            yield request("POST", f"{API}/abort/{json.loads(body)['run_id']}", token)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(LENGTH)
    return int(rest.partition(b"\r\n")[0]) if found else 0
