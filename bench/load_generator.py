"""The load generator: many clients in one event loop, each with its own connection.

A client's script is a generator. It yields the bytes of a request and receives the status and body of the answer.
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
    """The result of a load. ``failed`` counts the requests without an answer or with a 5xx."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def ms(self, percent: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def run_load(port: int, scripts: list[Script], seconds: float, limit: float = 1e9, pause: float = 0.0) -> LoadResult:
    """Run the scripts against the server for some seconds, or until ``limit`` answers.

    A client sends its next request once it has an answer and ``pause`` seconds have passed since its last request.
    """
    result, began = LoadResult(), time.perf_counter()

    async def client(script: Script, delay: float) -> None:
        await asyncio.sleep(delay)
        message, (reading, writing) = next(script), await asyncio.open_connection("127.0.0.1", port)
        while len(result.latencies) < limit and (sent := time.perf_counter()) < began + seconds:
            writing.write(message)
            try:
                head = await reading.readuntil(b"\r\n\r\n")
                length = CONTENT_LENGTH.search(head)  # an answer of status 204 has none
                body = await reading.readexactly(int(length[1]) if length else 0)
            except (OSError, EOFError):
                result.failed += 1
                reading, writing = await asyncio.open_connection("127.0.0.1", port)
                continue
            if (now := time.perf_counter()) < began + seconds:
                result.latencies.append(now - sent)
                result.failed += head[9:10] == b"5"
            message = script.send((int(head[9:12]), body))
            await asyncio.sleep(max(0, sent + pause - now))
            if reading.at_eof():  # the server closed the idle connection
                writing.close()
                reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.close()

    async def clients() -> None:
        # Delays spread the clients over the pause, because open pages do not poll in step.
        await asyncio.gather(*(client(each, pause * n / len(scripts)) for n, each in enumerate(scripts)))

    asyncio.run(clients())
    result.seconds = min(seconds, time.perf_counter() - began)
    return result


def request(method: str, path: str, token: str) -> bytes:
    """Return the bytes of a request without a body."""
    head = f"{method} /api/ingestion/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    length = "" if method == "GET" else "Content-Length: 0\r\n"
    return f"{head}{length}\r\n".encode()


def read_repeatedly(token: str, path: str = "current-run") -> Script:
    """Read this path again and again."""
    read = request("GET", path, token)
    while True:
        yield read


def start_and_abort(token: str) -> Script:
    """Start a run and abort it, again and again."""
    while True:
        status, body = yield request("POST", "start", token)
        # A 409 names the run that an interrupted load left.
        if status in (201, 409):
            yield request("POST", f"abort/{json.loads(body)['run_id']}", token)
