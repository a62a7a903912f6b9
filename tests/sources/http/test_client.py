"""The HTTP client: robots.txt, rate limits shared by all processes, redirects and deadlines."""

import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.deadline import Deadline
from app.sources.errors import AddressRefused, Forbidden, Moved, OutOfTime, RateLimited, Throttled, Unreachable
from app.sources.http import transport
from app.sources.http.client import HttpClient
from app.sources.http.rate_limit import PREFIX, RateLimiter, connect
from app.sources.listing import list_board
from tests.sources.conftest import UnlimitedRateLimiter, make_client
from tests.support.web import Reply, Web

ACME = "/v1/boards/acme/jobs"
EMPTY = {"jobs": []}
GREENHOUSE = SOURCES["greenhouse"]


@pytest.fixture
def http_client(web, limiter) -> HttpClient:
    """A client with an empty cache and the shared rate limiter."""
    return make_client(web, limiter)


def list_acme(http_client: HttpClient, seconds: float = 20):
    return list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(seconds))


def assert_spaced(web: Web, send: Callable[[Executor], Iterable[Any]]) -> None:
    """Send requests from several threads and check that each arrives no earlier than its slot.

    Delays of a request or of its predecessors do not matter.
    """
    started = time.time()
    with ThreadPoolExecutor(4) as pool:
        list(send(pool))
    assert len(web.requests) > 2
    for slot, request in enumerate(sorted(web.requests, key=lambda each: each.at)):
        assert request.at - started > slot * GREENHOUSE.pace_seconds - 0.02


def test_client_sends_user_agent_with_contact(web, http_client):
    web.json(ACME, EMPTY)
    list_acme(http_client)
    assert {each.headers["user-agent"] for each in web.requests} == {"JobIngestion/0.1 (+jobs@example.org)"}
    assert web.requests[-1].headers["accept"] == "application/json"
    assert HttpClient(UnlimitedRateLimiter(), {}, None).user_agent == "JobIngestion/0.1"


def test_robots_txt_is_requested_first_and_once_per_host(web, http_client):
    web.json(ACME, EMPTY)
    web.json("/v1/boards/other/jobs", EMPTY)
    list_acme(http_client)
    list_board(http_client, "greenhouse", "other")
    assert [each.path for each in web.requests] == ["/robots.txt", ACME, "/v1/boards/other/jobs"]


@pytest.mark.parametrize(
    "rules",
    ["User-agent: *\nDisallow: /", "User-agent: JobIngestion\nDisallow: /v1/*/jobs", "User-agent: *\nDisallow: /*ent="],
    ids=["all paths", "pattern of a path", "pattern of a query"],
)
def test_robots_txt_disallow_is_obeyed(web, http_client, rules):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(rules.encode())
    with pytest.raises(Forbidden, match="robots.txt"):
        list_acme(http_client)
    assert web.paths() == []


def test_robots_txt_allow_for_our_user_agent_is_used(web, http_client):
    web.json(ACME, EMPTY)
    rules = b"User-agent: *\nDisallow: /\n\nUser-agent: JobIngestion\nAllow: /"
    web.replies["/robots.txt"] = Reply(rules)
    assert list_acme(http_client).is_complete


def test_robots_txt_with_a_server_error_blocks_requests(web, http_client):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(status=500)
    with pytest.raises(Unreachable):
        list_acme(http_client)
    assert web.paths() == []


def test_robots_txt_with_a_byte_order_mark_is_read(web, http_client):
    web.replies["/robots.txt"] = Reply(b"\xef\xbb\xbfUser-agent: *\nDisallow: /")
    with pytest.raises(Forbidden):
        list_acme(http_client)


def test_robots_txt_beyond_the_size_limit_is_truncated(web, http_client):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /private\n" + b"# more\n" * 100_000)
    assert list_acme(http_client).is_complete


@pytest.mark.parametrize("location", ["https://u:p@victim.example:8443/x", "http://10.0.0.1/robots.txt", "ftp://x/"])
def test_robots_txt_redirect_to_a_refused_url_counts_as_none(web, http_client, location):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(status=302, headers={"Location": location})
    try:
        assert list_acme(http_client).is_complete
    except Unreachable:
        assert location.startswith("ftp")


def test_rate_limit_without_a_slot_in_time_raises_rate_limited(web, http_client):
    web.json(ACME, EMPTY)
    for _ in range(100):
        http_client.limiter.acquire_slot(web.url.removeprefix("http://"), 1.0, 1000)
    with pytest.raises(RateLimited):
        list_acme(http_client, seconds=2)
    assert web.requests == []


def test_client_accepts_compressed_responses(web, http_client):
    web.json(ACME, EMPTY)
    list_acme(http_client)
    assert web.requests[-1].headers["accept-encoding"] == "gzip, deflate"


def test_robots_txt_redirect_on_its_host_is_followed(web, http_client):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(status=301, headers={"Location": "/rules"})
    web.replies["/rules"] = Reply(b"User-agent: *\nDisallow: /v1/")
    with pytest.raises(Forbidden):
        list_acme(http_client)


def test_crawl_delay_slows_requests_down(web, http_client):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 1")
    began = time.time()
    list_acme(http_client)
    list_acme(http_client)
    [_, second] = [each.at for each in web.requests if each.path == ACME]
    assert second - began > GREENHOUSE.pace_seconds + 1 - 0.02


def test_crawl_delay_below_our_interval_is_ignored(web, http_client):
    web.json(ACME, EMPTY)
    web.replies["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0.01")
    assert_spaced(web, lambda pool: pool.map(list_acme, [http_client] * 4))


def test_rate_limit_is_shared_by_processes(web, settings, broker, limiter):
    """Two clients that share only Redis stand for two processes."""
    web.json(ACME, EMPTY)
    clients = [make_client(web, limiter), make_client(web, RateLimiter(connect(settings.redis_url)))]
    assert_spaced(web, lambda pool: pool.map(list_acme, clients * 3))
    assert any(key.startswith(PREFIX.encode()) for key in broker.keys())


def test_retry_after_that_is_short_is_waited_out(web, http_client):
    web.json(ACME, EMPTY)
    whole = web.replies[ACME]
    web.replies[ACME] = [Reply(status=429, headers={"Retry-After": "1"}), whole]
    assert list_acme(http_client).is_complete
    [first, second] = [each.at for each in web.requests if each.path == ACME]
    assert second - first > 0.9


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_that_is_long_blocks_further_requests(web, http_client, status):
    web.replies[ACME] = Reply(status=status, headers={"Retry-After": "600"})
    for _ in range(2):
        with pytest.raises(Throttled) as raised:
            list_acme(http_client)
        wait = raised.value.retry_at - datetime.now(UTC)
        assert timedelta(seconds=590) < wait < timedelta(seconds=601)
    assert len(web.paths()) == 1


def test_throttled_board_does_not_block_other_boards(web, http_client):
    web.replies[ACME] = Reply(status=429, headers={"Retry-After": "600"})
    web.json("/v1/boards/other/jobs", EMPTY)
    with pytest.raises(Throttled):
        list_acme(http_client)
    assert list_board(http_client, "greenhouse", "other").is_complete


def test_throttled_host_is_blocked_after_three_boards(web, http_client):
    for name in ("one", "two", "three"):
        web.replies[f"/v1/boards/{name}/jobs"] = Reply(status=429, headers={"Retry-After": "600"})
        with pytest.raises(Throttled):
            list_board(http_client, "greenhouse", name)
    with pytest.raises(Throttled) as raised:
        list_board(http_client, "greenhouse", "four")
    assert raised.value.retry_at - datetime.now(UTC) > timedelta(seconds=500)
    assert len(web.paths()) == 3


def test_throttle_count_of_a_host_is_reset_by_a_success(web, http_client):
    web.json("/v1/boards/well/jobs", EMPTY)
    for name in ("one", "two", "three", "four"):
        web.replies[f"/v1/boards/{name}/jobs"] = Reply(status=429, headers={"Retry-After": "600"})
        with pytest.raises(Throttled):
            list_board(http_client, "greenhouse", name)
        assert list_board(http_client, "greenhouse", "well").is_complete


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("a date", 3000),
        ("soon", 60),
        ("-3", 60),
        ("99999999999999999999", 6 * 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("", 60),
        ("9" * 60_000, 6 * 3600),
        ("Thu, 01 Jan 99999 00:00:00 GMT", 60),
        ("Thu, 01 Jan 2090 00:00:00 -0000", 60),
        ("inf", 60),
        ("nan", 60),
        ("1e9", 60),
        ("(" * 60_000, 60),
    ],
)
def test_retry_after_parses_any_value(web, http_client, value, seconds):
    if value == "a date":
        value = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    web.replies[ACME] = Reply(status=429, headers={"Retry-After": value})
    with pytest.raises(Throttled) as raised:
        list_acme(http_client, seconds=10)
    assert abs((raised.value.retry_at - datetime.now(UTC)).total_seconds() - seconds) < 0.3 * seconds + 2


def test_redirect_on_the_host_is_followed_and_elsewhere_is_moved(web, http_client):
    web.json("/v1/boards/acme-inc/jobs", EMPTY)
    web.replies[ACME] = Reply(status=308, headers={"Location": "/v1/boards/acme-inc/jobs"})
    assert list_acme(http_client).is_complete
    web.replies[ACME] = Reply(status=302, headers={"Location": "http://169.254.169.254/latest"})
    with pytest.raises(Moved) as raised:
        list_acme(http_client)
    assert raised.value.location == "http://169.254.169.254/latest"


def test_redirect_from_https_to_plain_http_is_refused(web, tls_web):
    """The redirect leads first to the same port, then to another port of the host."""
    web.json(ACME, EMPTY)
    http_client = HttpClient(UnlimitedRateLimiter(), {"greenhouse": tls_web.url}, None)
    for plain in (tls_web.url.replace("https:", "http:"), web.url.replace("127.0.0.1", "localhost")):
        tls_web.replies[ACME] = Reply(status=301, headers={"Location": f"{plain}{ACME}"})
        with pytest.raises(AddressRefused, match="redirects from https to plain http, which is not allowed"):
            list_acme(http_client)
    assert web.requests == []
    tls_web.json(ACME, EMPTY)
    assert list_acme(http_client).is_complete


LONG = f"https://elsewhere.example/{'x' * 5000}"


@pytest.mark.parametrize("location", [ACME, "http://[", "ftp://x/", "javascript:alert(1)", LONG])
def test_redirect_that_is_circular_or_invalid_is_an_error(web, http_client, location):
    web.replies[ACME] = Reply(status=302, headers={"Location": location})
    with pytest.raises(Unreachable):
        list_acme(http_client)


def test_listing_ends_at_its_deadline(web, http_client):
    web.replies["/v0/postings/acme"] = Reply(b"[]", delay=30)
    began = time.monotonic()
    with pytest.raises((Unreachable, OutOfTime)):
        list_board(http_client, "lever", "acme", deadline=Deadline.of(1.5))
    assert time.monotonic() - began < 10


@pytest.fixture
def company_hosts(web, limiter, monkeypatch) -> HttpClient:
    """A client for which each Greenhouse company has its own host; all hosts are the test's server."""
    source = replace(GREENHOUSE, bases={"": "https://{token}.boards.example"})
    monkeypatch.setitem(SOURCES, "greenhouse", source)
    here = web.url.rpartition(":")[2]
    loopback = [(socket.AF_INET, ("127.0.0.1", int(here)))]
    monkeypatch.setattr(transport, "resolve", lambda host, port, seconds, **_: loopback)
    return HttpClient(limiter, {"greenhouse": f"http://{{token}}.boards.example:{here}"}, None)


def test_company_hosts_each_have_their_own_robots_txt(web, company_hosts):
    for board in ("acme", "other"):
        web.json(f"/v1/boards/{board}/jobs", EMPTY)
        assert list_board(company_hosts, "greenhouse", board).is_complete
    requests = [(each.headers["host"].partition(":")[0], each.path) for each in web.requests]
    assert requests == [
        ("acme.boards.example", "/robots.txt"),
        ("acme.boards.example", ACME),
        ("other.boards.example", "/robots.txt"),
        ("other.boards.example", "/v1/boards/other/jobs"),
    ]


def test_company_hosts_of_one_source_share_a_rate_limit(web, company_hosts):
    boards = [f"b{number}" for number in range(4)]
    for board in boards:
        web.json(f"/v1/boards/{board}/jobs", EMPTY)
    assert_spaced(web, lambda pool: pool.map(lambda board: list_board(company_hosts, "greenhouse", board), boards))


def test_base_url_without_token_serves_all_companies(web, http_client, company_hosts):
    web.json(ACME, EMPTY)
    assert list_board(http_client, "greenhouse", "acme").is_complete
    client_with_path = HttpClient(UnlimitedRateLimiter(), {"greenhouse": f"{web.url}/{{token}}"}, None)
    web.json("/acme/v1/boards/acme/jobs", EMPTY)
    assert list_board(client_with_path, "greenhouse", "Acme").is_complete


@pytest.mark.parametrize("name", ["a.b", "a b", "acme-", "a_b", "a&b", "a+b", "ä", "x" * 64, "evil.example"])
def test_company_host_token_must_be_a_host_label(company_hosts, name):
    with pytest.raises(ValueError, match="letters a to z"):
        SOURCES["greenhouse"].board(name)


def test_company_host_token_is_lowercased(company_hosts):
    assert SOURCES["greenhouse"].valid_board("ACME") == "acme"


def test_error_messages_of_a_source_override_the_default(web, http_client, monkeypatch):
    monkeypatch.setitem(SOURCES, "greenhouse", replace(GREENHOUSE, error_messages={401: "wants a token."}))
    web.replies[ACME] = Reply(status=401)
    with pytest.raises(Forbidden, match="^Greenhouse's board acme wants a token.$"):
        list_acme(http_client)
    web.replies[ACME] = Reply(status=403)
    with pytest.raises(Forbidden, match="answers 403"):
        list_acme(http_client)


@pytest.mark.parametrize("address", ["https://acme.example:443/x", "https://ACME.example./x"])
def test_fetch_uses_one_rate_limit_however_a_host_is_written(limiter, address):
    http_client = HttpClient(limiter, {}, None)
    limiter.block("acme.example", 600)
    with pytest.raises(Throttled):
        http_client.fetch(urlsplit(address), Deadline.of(5))


def test_deadline_that_has_passed_raises_out_of_time(http_client):
    with pytest.raises(OutOfTime):
        Deadline.of(-1).check()
