"""Boards on loopback, and a host that asks them without pauses."""

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


class Hurried(CommandRateLimiter):
    """Makes no pauses: how hosts are paced is shown where that is the question."""

    def acquire_slot(self, _key: str, _interval: float, _max_wait: float) -> float:
        """The next request may go out at once."""
        return 0.0


def asking(web: Web, limiter: RateLimiter | CommandRateLimiter | None = None, **more: Any) -> HttpClient:
    """A host for which every system is on that server."""
    return HttpClient(limiter or Hurried(), dict.fromkeys(base_keys(), web.url), "jobs@example.org", **more)


def knowing(web: Web, **more: Any) -> HttpClient:
    """The same, but it has read the server's robots.txt before."""
    host = asking(web, **more)
    host.limiter.set(f"robots:{web.url}", "", 60)
    return host


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().serving() as server:
        yield server


@pytest.fixture
def tls_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """The same with TLS, by a certificate that the product trusts here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    transport._tls.cache_clear()
    with Web(tls=True).serving() as server:
        yield server
    transport._tls.cache_clear()


@pytest.fixture
def host(web: Web) -> HttpClient:
    """One that is in a hurry."""
    return knowing(web)


@pytest.fixture
def limiter(settings: Settings, broker: redis.Redis) -> Iterator[RateLimiter]:
    """The product's own, in Redis, which knows nothing yet."""
    yield RateLimiter(connect(settings.redis_url))
    broker.flushall()
