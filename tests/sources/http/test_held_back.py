"""The sources to which no request could be sent now."""

import pytest

from app.sources.adapters.registry import SOURCES
from app.sources.board_token import rate_limit_key
from app.sources.http.client import SHORT_BLOCK_SECONDS, HttpClient
from app.sources.http.rate_limit import CommandRateLimiter, RateLimiter, connect

ALL = SOURCES.values()
GREENHOUSE = rate_limit_key(SOURCES["greenhouse"].bases[""])
TEAMTAILOR = rate_limit_key(SOURCES["teamtailor"].bases[""])
LEVER, LEVER_EU = (rate_limit_key(base) for base in SOURCES["lever"].bases.values())


@pytest.fixture
def client(limiter: RateLimiter) -> HttpClient:
    """A client of the real sources. It sends no request here."""
    return HttpClient(limiter, {}, None)


def test_held_back_is_empty_while_nothing_is_blocked(client, limiter):
    limiter.acquire_slot(GREENHOUSE, 10, 0)
    limiter.block(GREENHOUSE, SHORT_BLOCK_SECONDS)
    limiter.block(f"{GREENHOUSE}/v1/boards/acme/jobs", 600)
    assert client.held_back(ALL) == set()


def test_held_back_are_sources_whose_system_is_blocked(client, limiter):
    limiter.block(GREENHOUSE, 600)
    limiter.block(TEAMTAILOR, 600)
    assert client.held_back(ALL) == {"greenhouse", "teamtailor"}
    assert client.held_back([SOURCES["greenhouse"], SOURCES["ashby"]]) == {"greenhouse"}
    assert client.held_back([]) == set()


def test_held_back_are_sources_whose_queue_is_too_long(client, limiter):
    limiter.acquire_slot(GREENHOUSE, 60, 0)
    assert client.held_back(ALL) == set()
    assert client.held_back(ALL, max_wait=30) == {"greenhouse"}
    limiter.acquire_slot(GREENHOUSE, 60, 90)
    assert client.held_back(ALL) == {"greenhouse"}


def test_held_back_is_a_source_with_regions_only_if_all_are(client, limiter):
    limiter.block(LEVER, 600)
    assert client.held_back(ALL) == set()
    limiter.block(LEVER_EU, 600)
    assert client.held_back(ALL) == {"lever"}


def test_held_back_follows_the_operators_base_urls(limiter):
    client = HttpClient(limiter, {"greenhouse": "http://127.0.0.1:9/"}, None)
    limiter.block(GREENHOUSE, 600)
    assert client.held_back(ALL) == set()
    limiter.block("127.0.0.1:9", 600)
    assert client.held_back(ALL) == {"greenhouse"}


def test_held_back_acquires_no_slot(client, limiter):
    client.held_back(ALL)
    assert limiter.acquire_slot(GREENHOUSE, 10, 0) == 0


def test_held_back_asks_redis_once(client, broker):
    client.held_back(ALL)
    before = broker.info("stats")["total_reads_processed"]
    client.held_back(ALL)
    # The second question about the number is a read itself.
    assert broker.info("stats")["total_reads_processed"] - before == 2


def test_held_back_are_all_sources_without_redis():
    client = HttpClient(RateLimiter(connect("redis://127.0.0.1:1")), {}, None)
    assert client.held_back(ALL) == set(SOURCES)


def test_held_back_by_a_command_are_the_systems_that_it_has_blocked():
    limiter = CommandRateLimiter()
    limiter.block(GREENHOUSE, 600)
    assert HttpClient(limiter, {}, None).held_back(ALL) == {"greenhouse"}
