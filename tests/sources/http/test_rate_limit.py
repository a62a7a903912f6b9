"""The rate limiter and cache that all processes share in Redis, and their behaviour without Redis."""

import time

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.deadline import Deadline
from app.sources.errors import RateLimited, RateLimiterUnavailable, Throttled
from app.sources.http.rate_limit import MAX_THROTTLES_KEPT, PREFIX, CommandRateLimiter, RateLimiter, connect
from app.sources.listing import list_board
from tests.sources.conftest import make_client
from tests.support.web import Reply

NO_REDIS = "redis://127.0.0.1:1"
ACME = "/v1/boards/acme/jobs"
EMPTY = {"jobs": []}


def list_acme(http_client):
    return list_board(http_client, "greenhouse", "acme", deadline=Deadline.of(20))


def test_rate_limiter_slots_blocks_and_cache_in_redis(limiter):
    limiter.set("x", "ünï", 60)
    assert (limiter.get("x"), limiter.get("y")) == ("ünï", None)
    assert limiter.acquire_slot("h", 5, 60) == 0
    assert 0 < limiter.acquire_slot("h", 5, 60) <= 5
    assert limiter.acquire_slot("h", 5, 1) < -5
    limiter.block("h", 100)
    limiter.block("h", 1)
    assert 50 < limiter.blocked_for("other", "h") <= 100 and limiter.blocked_for("other") == 0


def test_rate_limiter_keys_are_bounded_and_expire(limiter, broker):
    """Keys are made of addresses, which strangers write."""
    for end in ("a", "b"):
        key = "h" * 5000 + end
        assert limiter.acquire_slot(key, 5, 60) == 0 and limiter.get(key) is None
        limiter.block(key, 100)
        limiter.set(key, end, 60)
        assert limiter.record_throttle(key, key) == 1
        assert limiter.blocked_for(key) > 50 and limiter.get(key) == end
    keys = broker.keys(f"{PREFIX}*")
    assert len(keys) == 8 and max(map(len, keys)) < 300
    assert all(broker.ttl(key) > 0 for key in keys)


def test_rate_limiter_records_few_throttled_paths(limiter, broker):
    counts = [limiter.record_throttle("h", f"/{number}" * 1000) for number in range(30)]
    assert counts[:3] == [1, 2, 3] and max(counts) == MAX_THROTTLES_KEPT
    assert broker.memory_usage(f"{PREFIX}strikes:h") < 5000
    limiter.reset_throttles("h")
    assert limiter.record_throttle("h", "/x") == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda limiter: limiter.acquire_slot("h", 1, 1),
        lambda limiter: limiter.block("h", 1),
        lambda limiter: limiter.blocked_for("h"),
        lambda limiter: limiter.record_throttle("h", "place"),
        lambda limiter: limiter.reset_throttles("h"),
        lambda limiter: limiter.get("x"),
        lambda limiter: limiter.set("x", "y", 1),
    ],
    ids=["acquire_slot", "block", "blocked_for", "record_throttle", "reset_throttles", "get", "set"],
)
def test_rate_limiter_without_redis_raises_for_every_call(call):
    limiter = RateLimiter(connect(NO_REDIS))
    assert not limiter.is_available()
    with pytest.raises(RateLimiterUnavailable):
        call(limiter)


def test_rate_limiter_without_redis_sends_no_request(web):
    """The error is a RateLimited, so previews snooze the listing and count no attempt."""
    web.json(ACME, EMPTY)
    with pytest.raises(RateLimiterUnavailable) as raised:
        list_acme(make_client(web, RateLimiter(connect(NO_REDIS))))
    assert isinstance(raised.value, RateLimited) and web.requests == []


def test_command_rate_limiter_pauses_and_reads_robots_txt_once(web):
    web.json(ACME, EMPTY)
    http_client, started = make_client(web, CommandRateLimiter()), time.time()
    list_acme(http_client)
    list_acme(http_client)
    assert [each.path for each in web.requests] == ["/robots.txt", ACME, ACME]
    for number, request in enumerate(web.requests, 1):
        assert request.at - started > number * SOURCES["greenhouse"].pace_seconds - 0.02


def test_command_rate_limiter_blocks_a_throttled_board(web):
    web.replies[ACME] = Reply(status=429, headers={"Retry-After": "600"})
    http_client = make_client(web, CommandRateLimiter())
    for _ in range(2):
        with pytest.raises(Throttled):
            list_acme(http_client)
    assert len(web.paths()) == 1


def test_command_rate_limiter_refuses_a_wait_beyond_the_maximum():
    assert CommandRateLimiter().acquire_slot("h", 5, 1) < 0
