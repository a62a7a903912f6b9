"""Companies' own domains: what they ask for holds for themselves, never for the system that serves them."""

import socket
from dataclasses import replace

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import is_system_host
from app.sources.deadline import Deadline
from app.sources.errors import RateLimited, Throttled
from app.sources.http import transport
from app.sources.http.client import HttpClient
from app.sources.listing import list_board
from tests.support.web import Reply

EMPTY = {"jobs": []}
THROTTLED = Reply(status=429, headers={"Retry-After": "600"})
OWN_DOMAINS = ("careers.one.example", "careers.two.example", "careers.three.example")


@pytest.fixture
def system(web, limiter, monkeypatch) -> HttpClient:
    """A client for a system where each company has a host below boards.example, or a domain of its own."""
    source = replace(SOURCES["greenhouse"], bases={"": "https://{token}.boards.example"}, fingerprints=("boards-cdn",))
    monkeypatch.setitem(SOURCES, "greenhouse", source)
    loopback = [(socket.AF_INET, ("127.0.0.1", int(web.url.rpartition(":")[2])))]
    monkeypatch.setattr(transport, "resolve", lambda host, port, seconds, **_: loopback)
    return HttpClient(limiter, {"greenhouse": "http://{token}.boards.example"}, None)


KEY = "{token}.boards.example"


def throttle(web, client: HttpClient, *boards: str, robots: Reply) -> None:
    """Request boards that ask for a long pause."""
    web.replies["/robots.txt"] = robots
    for board in boards:
        web.replies[f"/v1/boards/{board}/jobs"] = THROTTLED
        with pytest.raises(Throttled):
            list_board(client, "greenhouse", board, deadline=Deadline.of(20))
    web.replies["/robots.txt"] = Reply()


def lists(web, client: HttpClient, board: str) -> bool:
    web.json(f"/v1/boards/{board}/jobs", EMPTY)
    return list_board(client, "greenhouse", board, deadline=Deadline.of(5)).is_complete


@pytest.mark.parametrize("robots", [Reply(), THROTTLED], ids=["boards", "robots.txt"])
def test_own_domains_that_are_throttled_do_not_block_the_system(web, system, robots):
    throttle(web, system, *OWN_DOMAINS, robots=robots)
    assert lists(web, system, "acme") and lists(web, system, "careers.four.example")
    with pytest.raises(Throttled):
        lists(web, system, OWN_DOMAINS[0])


@pytest.mark.parametrize("robots", [Reply(), THROTTLED], ids=["boards", "robots.txt"])
@pytest.mark.parametrize("boards", [("one", "two", "three"), ("a.na.boards.example", "b.na.boards.example", "c")])
def test_hosts_of_the_system_that_are_throttled_block_all_others(web, system, boards, robots):
    throttle(web, system, *boards, robots=robots)
    for board in ("acme", "acme.na.boards.example", "careers.acme.example"):
        with pytest.raises(Throttled):
            lists(web, system, board)


@pytest.mark.parametrize("board", ["careers.one.example", "one", "one.na.boards.example"])
def test_crawl_delay_of_a_company_slows_its_own_host_only(web, system, board):
    web.replies["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 999999")
    assert lists(web, system, board)
    with pytest.raises(RateLimited):
        lists(web, system, board)
    web.replies["/robots.txt"] = Reply()
    assert lists(web, system, "other") and lists(web, system, "careers.other.example")


def test_own_domain_waits_for_a_slot_of_its_system(web, system):
    for _ in range(100):
        system.limiter.acquire_slot(KEY, 1.0, 1000)
    with pytest.raises(RateLimited):
        lists(web, system, "careers.one.example")
    assert web.requests == []


def test_lookups_are_reserved_for_hosts_of_the_system(web, system, monkeypatch):
    really, reserved = transport.resolve, {}

    def resolve(host, port, seconds, **more):
        reserved[host] = more["is_fixed_host"]
        return really(host, port, seconds)

    monkeypatch.setattr(transport, "resolve", resolve)
    for board in ("acme", "a.na.boards.example", "careers.one.example"):
        assert lists(web, system, board)
    assert reserved == {"acme.boards.example": True, "a.na.boards.example": True, "careers.one.example": False}


@pytest.mark.parametrize("value", ["inf", "nan", "-5", "1e400", "x", "", "-inf"])
def test_crawl_delay_that_is_no_number_of_seconds_is_ignored(web, system, value):
    web.replies["/robots.txt"] = Reply(f"User-agent: *\nCrawl-delay: {value}".encode())
    assert lists(web, system, "acme") and lists(web, system, "acme")


@pytest.mark.parametrize(
    ("base", "host", "expected"),
    [
        ("https://{token}.boards.example", "acme.boards.example", True),
        ("https://{token}.boards.example", "acme.na.boards.example", True),
        ("https://{token}.boards.example", "boards.example", False),
        ("https://{token}.boards.example", "evil-boards.example", False),
        ("https://{token}.boards.example", "acme.boards.example.evil.example", False),
        ("https://{token}", "acme.example", False),
        ("https://api.boards.example/v1", "api.boards.example", True),
        ("https://api.boards.example", "acme.api.boards.example", False),
        ("http://127.0.0.1:8000/{token}", "127.0.0.1:8000", True),
    ],
)
def test_system_host_is_below_the_domain_of_the_base(base, host, expected):
    assert is_system_host(base, host) is expected
