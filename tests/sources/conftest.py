"""Boards on loopback, and HTTP clients that read them without pauses."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from app.config.settings import Settings
from app.sources.base_urls import base_keys
from app.sources.http import transport
from app.sources.http.client import HttpClient
from app.sources.http.rate_limit import CommandRateLimiter, RateLimiter, connect
from tests.support.web import CERTIFICATE, Web


class UnlimitedRateLimiter(CommandRateLimiter):
    """A limiter without pauses, for tests of anything but rate limits."""

    def acquire_slot(self, _key: str, _interval: float, _max_wait: float) -> float:
        """Return 0: no pause before the next request."""
        return 0.0


def make_client(web: Web, limiter: RateLimiter | CommandRateLimiter | None = None, **more: Any) -> HttpClient:
    """Return a client that finds every source on that server."""
    base_urls = dict.fromkeys(base_keys(), web.url)
    return HttpClient(limiter or UnlimitedRateLimiter(), base_urls, "jobs@example.org", **more)


def make_client_with_robots_txt(web: Web, **more: Any) -> HttpClient:
    """Return a client that has cached an empty robots.txt of the server, and so does not request it."""
    http_client = make_client(web, **more)
    http_client.limiter.set(f"robots:{web.url}", "", 60)
    return http_client


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server without any page yet."""
    with Web().serving() as server:
        yield server


@pytest.fixture
def tls_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A web server with TLS, whose certificate the product trusts in this test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    transport._tls.cache_clear()
    with Web(tls=True).serving() as server:
        yield server
    transport._tls.cache_clear()


@pytest.fixture
def http_client(web: Web) -> HttpClient:
    """A client without pauses that requests no robots.txt."""
    return make_client_with_robots_txt(web)


@pytest.fixture
def limiter(settings: Settings, broker: redis.Redis) -> Iterator[RateLimiter]:
    """The product's rate limiter, in an empty Redis."""
    yield RateLimiter(connect(settings.redis_url))
    broker.flushall()
