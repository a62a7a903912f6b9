"""Other users during an attack: one asks and acts in a steady rhythm, one previews a small sound board."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from tests.drills import hostile_boards
from tests.drills.sleep import sleep_for
from tests.drills.users import Reply, User

REQUEST_INTERVAL_SECONDS = 0.05
POLL_INTERVAL_SECONDS = 0.1

THREADS = 8
"""Requests that one user has open at a time: a slow answer does not delay the next request."""

API = "/api/ingestion"
NO_ANSWER = "no answer"


@dataclass
class Answers:
    """The answers to the steady requests."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Server errors, and requests without an answer."""

    def record(self, what: str, reply: Reply, due: float) -> Reply:
        """Record an answer. Its time counts from when the request was due, even if it was sent later."""
        self.seconds.append(time.monotonic() - due)
        if reply.status is None or reply.status >= 500:
            self.errors.append(f"{what}: {reply.status or NO_ANSWER}")
        return reply


@dataclass(frozen=True)
class PreviewEnd:
    """The end of a preview of one board: its seconds, and what the preview says about the board."""

    seconds: float
    is_finished: bool
    outcome: str | None
    detail: str | None = None
    found: int | None = None
    preview_id: int | None = None


@contextmanager
def steady_requests(user: User) -> Iterator[Answers]:
    """Let this user send requests in a steady rhythm inside this block; yield the answers so far."""
    answers, done = Answers(), Event()
    with ThreadPoolExecutor(THREADS + 1) as pool:
        rhythm = pool.submit(_keep_rhythm, user, answers, done, pool)
        try:
            yield answers
        finally:
            done.set()
        rhythm.result()


def _keep_rhythm(user: User, answers: Answers, done: Event, pool: ThreadPoolExecutor) -> None:
    number, due = 0, time.monotonic()
    steps: list[Callable[[User, Answers, float], Any]] = [_current_run, _start_and_abort, _companies, _add_company]
    while not done.is_set():
        pool.submit(steps[number % len(steps)], user, answers, due)
        number, due = number + 1, due + REQUEST_INTERVAL_SECONDS
        done.wait(max(0.0, due - time.monotonic()))


def _current_run(user: User, answers: Answers, due: float) -> None:
    answers.record("current-run", user.get_current_run(), due)


def _companies(user: User, answers: Answers, due: float) -> None:
    answers.record("companies", user.request("GET", f"{API}/companies", 30), due)


def _start_and_abort(user: User, answers: Answers, due: float) -> None:
    reply = answers.record("start", user.start(), due)
    if reply.run_id is not None:
        answers.record("abort", user.abort(reply.run_id), time.monotonic())


def _add_company(user: User, answers: Answers, due: float) -> None:
    body = {"source": "greenhouse", "board": f"b{time.monotonic_ns()}", "name": "Acme", "enabled": False}
    reply = answers.record("add a company", user.request("POST", f"{API}/companies", 30, body=body), due)
    if reply.status == 201:
        path = f"{API}/companies/{reply.document['company_id']}"
        answers.record("remove a company", user.request("DELETE", path, 30), time.monotonic())


def choose_board(user: User, source: str, board: str, terms: tuple[str, ...] = ()) -> None:
    """Add the board to the user's companies, with the terms as both filters. Raises RuntimeError if it is refused."""
    body = {"source": source, "board": board, "name": "Acme", "include": list(terms), "exclude": list(terms)}
    reply = user.request("POST", f"{API}/companies", 30, body=body)
    if reply.status != 201:
        raise RuntimeError(f"{source}:{board} was not added: {reply.status} {reply.document}")


def preview(user: User, limit: float, is_over: Callable[[], bool] = lambda: False) -> PreviewEnd:
    """Preview the user's companies; return the end and the first one's outcome.

    The wait ends after ``limit`` seconds, or once ``is_over`` returns True.
    """
    began = time.monotonic()
    reply = user.request("POST", f"{API}/dry-run", 30)
    if reply.status not in (200, 201):
        return PreviewEnd(time.monotonic() - began, False, None, f"refused with {reply.status}")
    preview_id = reply.document["preview_id"]
    path = f"{API}/dry-run/{preview_id}"
    while time.monotonic() < began + limit and not is_over():
        reply = user.request("GET", path, 30)
        if reply.status == 200 and reply.document["is_finished"]:
            unit = reply.document["companies"][0]
            seconds = time.monotonic() - began
            return PreviewEnd(seconds, True, unit["outcome"], unit["detail"], unit["found"], preview_id)
        sleep_for(POLL_INTERVAL_SECONDS)
    return PreviewEnd(time.monotonic() - began, False, None, "not finished")


def preview_small_board(user: User, source: str, way: str, limit: float) -> PreviewEnd:
    """Preview the small sound board of another company at this source."""
    choose_board(user, source, hostile_boards.token(source, hostile_boards.SMALL_NAME, way))
    return preview(user, limit)
