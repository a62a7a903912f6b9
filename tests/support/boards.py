"""The systems that boards are read from, as a real HTTP server on this machine."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from app.sources.base_urls import base_keys

MAX_HOLD_SECONDS = 20
"""Seconds after which a held answer goes out all the same, so that a test which failed ends."""


def environment(url: str) -> dict[str, str]:
    """What makes the product look for every system at this address."""
    return {"SOURCE_BASE_URLS": json.dumps(dict.fromkeys(base_keys(), url))}


@dataclass(frozen=True)
class Reply:
    """What a path is answered with; ``hold`` keeps it back until the event is set."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hold: Event | None = None


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that came in."""

    path: str
    query: str
    headers: dict[str, str]


NOTHING = Reply(404, b"{}")


class Boards:
    """Answers by path; several replies for one path are given one after the other, the last for ever."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[ReceivedRequest] = []
        self.held: list[Event] = []
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End the server."""
        self.reset()
        self.server.shutdown()
        self.server.server_close()

    def reset(self) -> None:
        """Let go of what is held, and know nothing any more."""
        for event in self.held:
            event.set()
        self.replies, self.requests, self.held = {}, [], []

    def answer(self, path: str, *replies: Reply) -> None:
        """From now on this path is answered so."""
        self.held += [reply.hold for reply in replies if reply.hold]
        self.replies[path] = list(replies)

    def greenhouse(self, board: str, jobs: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """A board of Greenhouse with these jobs (``job``); returns its path."""
        path = f"/v1/boards/{quote(board, safe='')}/jobs"
        rows = list(jobs)
        return self._document(path, {"jobs": rows, "meta": {"total": len(rows)}}, headers, hold)

    def lever(self, site: str, postings: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """A site of Lever, in one page; returns its path."""
        return self._document(f"/v0/postings/{quote(site, safe='')}", list(postings), headers, hold)

    def ashby(self, board: str, jobs: Iterable[Any], hold: Event | None = None, **headers: str) -> str:
        """A board of Ashby; returns its path."""
        document = {"apiVersion": "1", "jobs": list(jobs)}
        return self._document(f"/posting-api/job-board/{quote(board, safe='')}", document, headers, hold)

    def fault(self, board: str, status: int, **headers: str) -> str:
        """A board of Greenhouse that is answered with an error; returns its path."""
        path = f"/v1/boards/{quote(board, safe='')}/jobs"
        self.answer(path, Reply(status, b"{}", _headers(headers)))
        return path

    def count(self, path: str) -> int:
        """How often this path was asked for."""
        return sum(asked.path == path for asked in self.requests)

    def reply(self, asked: ReceivedRequest) -> Reply:
        """What this request is answered with: 304 if it brings the entity tag that the answer would have."""
        self.requests.append(asked)
        replies = self.replies.get(asked.path, [NOTHING])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        tag = reply.headers.get("ETag")
        if tag and asked.headers.get("if-none-match") == tag:
            return Reply(304, b"", {"ETag": tag}, reply.hold)
        return reply

    def _document(self, path: str, document: Any, headers: dict[str, str], hold: Event | None) -> str:
        kind = {"Content-Type": "application/json"}
        self.answer(path, Reply(200, json.dumps(document).encode(), {**kind, **_headers(headers)}, hold))
        return path


def job(identity: Any, title: str, content: str = "", **more: Any) -> dict[str, Any]:
    """A job as Greenhouse writes it."""
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


def _headers(words: dict[str, str]) -> dict[str, str]:
    return {"ETag" if name == "etag" else name.replace("_", "-").title(): value for name, value in words.items()}


def _handler(boards: Boards) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer, when it may."""
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
            """The log is ``boards.requests``."""

    return Handler
