"""Boards on loopback, and a host that asks them, with a pace of its own for each server."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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


def knowing(web: Web, **more: Any) -> Host:
    """The same, but it has read the server's robots.txt before, which saves every test a wait for its turn."""
    host = asking(web, **more)
    host.shared.keep(f"robots:{web.url}", "", 60)
    return host


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().serving() as server:
        yield server


@pytest.fixture
def host(web: Web, monkeypatch: pytest.MonkeyPatch) -> Host:
    """One that is in a hurry; how it paces itself is shown where that is the question."""
    for key, source in list(SOURCES.items()):
        monkeypatch.setitem(SOURCES, key, replace(source, pace_seconds=0.0))
    return knowing(web)
