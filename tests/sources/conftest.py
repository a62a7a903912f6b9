"""Boards on loopback, and a host that asks them, with a pace of its own for each server."""

from collections.abc import Iterator

import pytest

from app.sources.host import Host
from app.sources.registry import SOURCES
from app.sources.shared import Shared, connect
from tests.support.web import Web

NO_REDIS = "redis://127.0.0.1:1"
SETTINGS = [setting for source in SOURCES.values() for setting, _ in source.bases.values()]


def asking(web: Web, redis_url: str = NO_REDIS, own: frozenset[str] = frozenset()) -> Host:
    """A host for which every system is on that server; without Redis it paces itself."""
    return Host(Shared(connect(redis_url)), {name: web.url for name in SETTINGS}, "jobs@example.org", own)


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().serving() as server:
        yield server


@pytest.fixture
def host(web: Web) -> Host:
    return asking(web)
