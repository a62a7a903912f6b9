"""A real HTTP server on this machine in place of the sources."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from app.sources.base_urls import base_keys

MAX_HOLD_SECONDS = 20
"""Seconds after which a held response is sent anyway, so that a failed test ends."""


def environment(url: str) -> dict[str, str]:
    """Return the environment that directs every source to this address."""
    return {"SOURCE_BASE_URLS": json.dumps(dict.fromkeys(base_keys(), url))}


@dataclass(frozen=True)
class Reply:
    """The response to a path; ``hold`` delays it until the event is set."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hold: Event | None = None


@dataclass(frozen=True)
class ReceivedRequest:
    """A received request."""

    path: str
    query: str
    headers: dict[str, str]


NOT_FOUND = Reply(404, b"{}")


class Boards:
    """Replies by path: several replies for a path are sent in order, and the last one repeats."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[ReceivedRequest] = []
        self.held: list[Event] = []
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop the server."""
        self.reset()
        self.server.shutdown()
        self.server.server_close()

    def reset(self) -> None:
        """Release held responses, and clear all replies and requests."""
        for event in self.held:
            event.set()
        self.replies, self.requests, self.held = {}, [], []

    def answer(self, path: str, *replies: Reply) -> None:
        """Set the replies to a path."""
        self.held += [reply.hold for reply in replies if reply.hold]
        self.replies[path] = list(replies)

    def greenhouse(self, board: str, jobs: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """Serve a Greenhouse board with these jobs (see ``job``) and return its path."""
        path = f"/v1/boards/{quote(board, safe='')}/jobs"
        rows = list(jobs)
        return self._document(path, {"jobs": rows, "meta": {"total": len(rows)}}, headers, hold)

    def lever(self, site: str, postings: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """Serve a Lever site in one page and return its path."""
        return self._document(f"/v0/postings/{quote(site, safe='')}", list(postings), headers, hold)

    def ashby(self, board: str, jobs: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """Serve an Ashby board and return its path."""
        document = {"apiVersion": "1", "jobs": list(jobs)}
        return self._document(f"/posting-api/job-board/{quote(board, safe='')}", document, headers, hold)

    def fault(self, board: str, status: int, **headers: str) -> str:
        """Serve an error for a Greenhouse board and return its path."""
        path = f"/v1/boards/{quote(board, safe='')}/jobs"
        self.answer(path, Reply(status, b"{}", _headers(headers)))
        return path

    def count(self, path: str) -> int:
        """Return the number of requests for this path."""
        return sum(request.path == path for request in self.requests)

    def reply(self, request: ReceivedRequest) -> Reply:
        """Return the reply to a request: 304 if it sends the entity tag of the reply."""
        self.requests.append(request)
        replies = self.replies.get(request.path, [NOT_FOUND])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        tag = reply.headers.get("ETag")
        if tag and request.headers.get("if-none-match") == tag:
            return Reply(304, b"", {"ETag": tag}, reply.hold)
        return reply

    def _document(self, path: str, document: Any, headers: dict[str, str], hold: Event | None) -> str:
        kind = {"Content-Type": "application/json"}
        self.answer(path, Reply(200, json.dumps(document).encode(), {**kind, **_headers(headers)}, hold))
        return path


def job(identity: Any, title: str, content: str = "", **more: Any) -> dict[str, Any]:
    """Return a job in the form of Greenhouse's API."""
    return {
        "id": identity,
        "title": title,
        "absolute_url": f"https://example.org/jobs/{identity}",
        "location": {"name": "Berlin"},
        "departments": [{"name": "Research"}],
        "first_published": "2026-01-02T03:04:05-05:00",
        "updated_at": "2026-02-03T04:05:06-05:00",
        "content": content,
        **more,
    }


def _headers(keywords: dict[str, str]) -> dict[str, str]:
    return {"ETag" if name == "etag" else name.replace("_", "-").title(): value for name, value in keywords.items()}


def _handler(boards: Boards) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Send the reply once its hold is released."""
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = boards.reply(ReceivedRequest(url.path, url.query, headers))
            if reply.hold:
                reply.hold.wait(MAX_HOLD_SECONDS)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Log nothing: requests are recorded in ``boards.requests``."""

    return Handler
