"""A load generator: many clients in one event loop, each with a connection of its own.

A client's script is a generator: it yields the bytes of a request and is sent the status and body of the answer.
"""

import asyncio
import json
import re
import time
from collections.abc import Generator
from dataclasses import dataclass, field

Script = Generator[bytes, tuple[int, bytes], None]

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass
class LoadResult:
    """The answers to a load; ``bad`` counts the requests without one, or with a 5xx."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    bad: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def ms(self, percent: float) -> float:
        """Milliseconds within which so many percent of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def run_load(port: int, scripts: list[Script], seconds: float, limit: float = 1e9, pause: float = 0.0) -> LoadResult:
    """Put a load on the server for some seconds, or until the limit of answers.

    A client sends again when it has its answer and ``pause`` seconds have passed since its last request.
    """
    measured, began = LoadResult(), time.perf_counter()

    async def client(script: Script, delay: float) -> None:
        await asyncio.sleep(delay)
        asked, (reading, writing) = next(script), await asyncio.open_connection("127.0.0.1", port)
        while len(measured.latencies) < limit and (sent := time.perf_counter()) < began + seconds:
            writing.write(asked)
            try:
                head = await reading.readuntil(b"\r\n\r\n")
                body = await reading.readexactly(int(CONTENT_LENGTH.search(head)[1]))  # type: ignore[index]
            except (OSError, EOFError):
                measured.bad += 1
                reading, writing = await asyncio.open_connection("127.0.0.1", port)
                continue
            if (now := time.perf_counter()) < began + seconds:
                measured.latencies.append(now - sent)
                measured.bad += head[9:10] == b"5"
            asked = script.send((int(head[9:12]), body))
            await asyncio.sleep(max(0, sent + pause - now))
            if reading.at_eof():  # closed by the server while idle, which every browser notices, too
                writing.close()
                reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.close()

    async def clients() -> None:
        # Open pages do not poll in step.
        await asyncio.gather(*(client(each, pause * n / len(scripts)) for n, each in enumerate(scripts)))

    asyncio.run(clients())
    measured.seconds = min(seconds, time.perf_counter() - began)
    return measured


def request(method: str, path: str, token: str) -> bytes:
    """The bytes of a request without a body."""
    head = f"{method} /api/ingestion/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    length = "" if method == "GET" else "Content-Length: 0\r\n"
    return f"{head}{length}\r\n".encode()


def read_repeatedly(token: str, path: str = "current-run") -> Script:
    """Read this address again and again."""
    asked = request("GET", path, token)
    while True:
        yield asked


def start_and_abort(token: str) -> Script:
    """Start a run and abort it, again and again."""
    while True:
        status, body = yield request("POST", "start", token)
        # A run that an interrupted load has left is aborted first.
        if status in (201, 409):
            yield request("POST", f"abort/{json.loads(body)['run_id']}", token)
