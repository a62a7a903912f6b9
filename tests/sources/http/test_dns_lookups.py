"""Name look-ups: a hanging look-up delays only its own request."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from threading import Event
from urllib.parse import urlsplit

import pytest

from app.config.settings import PROJECT
from app.sources.errors import Unreachable
from app.sources.http import ssrf, transport
from app.sources.http.transport import Limits
from tests.support.waiting import wait_until
from tests.support.web import Reply


@pytest.fixture
def looked_up(monkeypatch) -> Iterator[list[str]]:
    """The names that were looked up; a look-up of a name that starts with "hung" hangs during the test."""
    names: list[str] = []
    release = Event()
    really = socket.getaddrinfo

    def getaddrinfo(host, *args, **more):
        names.append(host)
        if host.startswith("hung"):
            release.wait(60)
        return really("127.0.0.1", *args, **more)

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", getaddrinfo)
    yield names
    release.set()
    wait_until(lambda: not ssrf._lookups, what="the look-ups to end")


def get(url: str, seconds: float = 0.3) -> transport.RawResponse:
    return transport.send(urlsplit(url), {}, Limits(seconds, 1000, allow_private=True))


def test_lookup_that_hangs_ends_with_its_request(looked_up):
    with pytest.raises(Unreachable, match="^hung.example did not answer within 0 s.$"):
        get("http://hung.example/")


def test_lookup_that_hangs_does_not_delay_others(web, looked_up):
    web.json("/", {})
    for number in range(10):
        with pytest.raises(Unreachable, match="did not answer within"):
            get(f"http://hung{number}.example/", seconds=0.05)
    assert get(web.url.replace("127.0.0.1", "well.example"), seconds=20).status == 200


def test_lookup_that_hangs_occupies_one_thread_per_name(looked_up):
    for _ in range(5):
        with pytest.raises(Unreachable, match="did not answer within"):
            get("http://hung.example/", seconds=0.05)
    assert looked_up == ["hung.example"]


def test_lookups_that_hang_are_limited(looked_up, monkeypatch):
    monkeypatch.setattr(ssrf, "MAX_LOOKUPS", 3)
    for number in range(5):
        with pytest.raises(Unreachable, match="did not answer" if number < 3 else "3 other look-ups hang"):
            get(f"http://hung{number}.example/", seconds=0.05)
    assert len(looked_up) == 3


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import _socket, gevent, sys
from urllib.parse import urlsplit
from app.sources.http import ssrf, transport
from app.sources.errors import Unreachable
from app.sources.http.transport import Limits

sleep, really = monkey.get_original("time", "sleep"), _socket.getaddrinfo
def getaddrinfo(host, *args):
    if host.startswith("hung"):
        sleep(60)
    return really("127.0.0.1", *args)
_socket.getaddrinfo = getaddrinfo
gevent.get_hub().threadpool.maxsize = ssrf.MAX_LOOKUPS

def get(host, seconds, path=""):
    url = urlsplit(sys.argv[1].replace("127.0.0.1", host) + path)
    return transport.send(url, {}, Limits(seconds, 1000, allow_private=True))

def hangs(host, path=""):
    try:
        get(host, 0.5, path)
    except Unreachable as error:
        return error.detail

hung = [gevent.spawn(hangs, f"hung{number}.example") for number in range(10)]
hung.append(gevent.spawn(hangs, "drips.example", "drips"))
gevent.sleep(0)
assert get("well.example", 20).status == 200
assert all("did not answer within" in each.get(timeout=20) for each in hung)
print("done", flush=True)
import os
os._exit(0)
"""


def test_lookup_timeout_also_holds_for_greenlets(web):
    """The look-ups hang in native threads of gevent's pool, where they block no greenlet."""
    web.json("/", {})
    web.replies["/drips"] = Reply(b"x" * 1000, drip=0.05)
    command = [sys.executable, "-c", GREENLETS, f"{web.url}/"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=50)
    assert (ended.stdout, ended.returncode) == ("done\n", 0), ended.stderr
