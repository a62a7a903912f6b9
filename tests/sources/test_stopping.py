"""A board that nobody waits for any more: its reading ends before the next request."""

import threading

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import Board
from app.sources.deadline import Deadline
from app.sources.errors import NotWanted
from app.sources.listing import list_board
from app.sources.parsing.postings import next_batch
from app.sources.types import Response
from tests.sources.adapters.test_website import posting, serve_site
from tests.sources.conftest import UnlimitedRateLimiter, make_client


def serve_pages(web) -> None:
    for skip in (0, 100):
        rows = [{"id": f"{skip}-{number}", "text": "x"} for number in range(100)]
        web.json(f"/v0/postings/acme?mode=json&skip={skip}&limit=100", rows)


def test_listing_that_is_stopped_asks_for_no_further_page(web, http_client):
    serve_pages(web)
    deadline = Deadline.of(20)
    with pytest.raises(NotWanted) as raised:
        list_board(http_client, "lever", "acme", deadline=deadline, on_postings=lambda _postings: deadline.stop())
    assert len(web.paths()) == 1 and raised.value.code == "not_wanted"


def test_listing_that_is_stopped_before_its_start_sends_no_request(web, http_client):
    deadline = Deadline.of(20)
    deadline.stop()
    with pytest.raises(NotWanted):
        list_board(http_client, "lever", "acme", deadline=deadline)
    assert web.requests == []


def test_website_that_is_stopped_asks_for_no_further_page(web, http_client):
    serve_site(web, a=posting("A"), b=posting("B"), c=posting("C"))
    deadline = Deadline.of(20)
    with pytest.raises(NotWanted):
        list_board(
            http_client, "website", "careers.acme.com", deadline=deadline, on_postings=lambda _found: deadline.stop()
        )
    assert web.paths() == ["/sitemap.xml", "/jobs/a"]


def test_parser_ends_when_the_work_is_stopped():
    deadline = Deadline.of(20)
    body = b'{"jobs": [' + b", ".join([b'{"id": 1, "title": "Baker"}'] * 3000) + b"]}"
    parsing = SOURCES["greenhouse"].parse(Response(200, {}, body, "https://example.org", deadline), Board("acme"))
    next(parsing)
    deadline.stop()
    with pytest.raises(NotWanted):
        list(parsing)
    with pytest.raises(NotWanted):
        next_batch(parsing, deadline)


class WaitingRateLimiter(UnlimitedRateLimiter):
    """A limiter whose next slot or block ends in a minute; it sets ``asked`` when it is asked."""

    def __init__(self, *, is_blocked: bool) -> None:
        super().__init__()
        self.asked = threading.Event()
        self._is_blocked = is_blocked

    def acquire_slot(self, *_: object) -> float:
        """Return a minute."""
        self.asked.set()
        return 60.0

    def blocked_for(self, *_: str) -> float:
        """Return a minute, if hosts are blocked."""
        if self._is_blocked:
            self.asked.set()
        return 60.0 if self._is_blocked else 0.0


@pytest.mark.parametrize("is_blocked", [True, False], ids=["a block", "a slot"])
def test_pause_ends_when_the_work_is_stopped(web, is_blocked):
    limiter, deadline = WaitingRateLimiter(is_blocked=is_blocked), Deadline.of(100)
    errors: list[BaseException] = []

    def read() -> None:
        try:
            list_board(make_client(web, limiter), "lever", "acme", deadline=deadline)
        except NotWanted as error:
            errors.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert limiter.asked.wait(10)
    deadline.stop()
    thread.join(10)
    assert errors and web.requests == []


def test_deadline_stops_only_its_own_work():
    one, other = Deadline.of(20), Deadline.of(20)
    one.stop()
    other.check()
    other.sleep(0)
    with pytest.raises(NotWanted):
        one.sleep(0)
