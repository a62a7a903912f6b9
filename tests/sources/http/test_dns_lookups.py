"""Name look-ups: a hanging look-up delays only its own request."""

import gzip
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from threading import Event
from urllib.parse import urlsplit

import pytest

from app.config.settings import PROJECT
from app.sources.errors import RateLimited, Unreachable
from app.sources.http import ssrf, transport
from app.sources.http.transport import Limits
from tests.sources.http.test_transport import serving
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


def get(url: str, seconds: float = 0.3, is_fixed_host: bool = False) -> transport.RawResponse:
    return transport.send(urlsplit(url), {}, Limits(seconds, 1000, allow_private=True, is_fixed_host=is_fixed_host))


def hang(*hosts: str, is_fixed_host: bool = False) -> None:
    """Start look-ups that hang."""
    for host in hosts:
        with pytest.raises(Unreachable, match="did not answer"):
            get(f"http://{host}/", seconds=0.05, is_fixed_host=is_fixed_host)


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
    """The error is our own limit's, so it is no outcome of the board."""
    monkeypatch.setattr(ssrf, "MAX_LOOKUPS", 3)
    hang("hung1.example", "hung2.example", "hung3.example", is_fixed_host=True)
    for is_fixed_host in (True, False):
        with pytest.raises(RateLimited, match="Too many host names"):
            get("http://other.example/", is_fixed_host=is_fixed_host)
    assert len(looked_up) == 3


def test_lookups_of_hosts_from_users_leave_room_for_sources(web, looked_up, monkeypatch):
    web.json("/", {})
    monkeypatch.setattr(ssrf, "MAX_STRANGERS_LOOKUPS", 3)
    hang("hung1.example", "hung2.example", "hung3.example")
    with pytest.raises(RateLimited):
        get("http://other.example/")
    url = web.url.replace("127.0.0.1", "source.example")
    assert get(url, seconds=20, is_fixed_host=True).status == 200


def test_lookups_below_one_domain_leave_room_for_others(web, looked_up, monkeypatch):
    web.json("/", {})
    monkeypatch.setattr(ssrf, "MAX_ZONE_LOOKUPS", 2)
    hang("hung1.evil.example", "hung2.evil.example")
    with pytest.raises(RateLimited):
        get("http://hung3.evil.example./")
    assert get(web.url.replace("127.0.0.1", "well.example"), seconds=20).status == 200


def test_lookup_without_a_thread_is_busy_and_leaves_nothing(web, looked_up, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    web.json("/", {})
    url = web.url.replace("127.0.0.1", "well.example")
    with monkeypatch.context() as patch:
        patch.setattr(ssrf.Thread, "start", refuse)
        with pytest.raises(RateLimited, match="Too many host names"):
            get(url)
    assert get(url, seconds=20).status == 200


def test_request_starts_no_thread_besides_the_lookup(web, looked_up, monkeypatch):
    web.json("/", {})
    started, really = [], threading.Thread.start
    mine = threading.current_thread()

    def start(thread):
        if threading.current_thread() is mine:
            started.append(thread)
        really(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert get(web.url.replace("127.0.0.1", "well.example"), seconds=20).status == 200
    assert len(started) == 1


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


TURNS = """
from gevent import monkey
monkey.patch_all()
import gevent, sys
from urllib.parse import urlsplit
from app.sources.errors import ShapeChanged
from app.sources.http import transport
from app.sources.http.transport import Limits

turns = 0
def others():
    global turns
    while True:
        gevent.sleep(0.001)
        turns += 1

gevent.spawn(others)
gevent.sleep(0.01)
turns = 0
try:
    transport.send(urlsplit(sys.argv[1]), {}, Limits(20, 4_000_000, allow_private=True))
except ShapeChanged:
    print("turns" if turns > 5 else turns, flush=True)
"""


def test_response_at_full_speed_lets_other_greenlets_run():
    """Bytes are always there, so that no read waits; empty gzip members never make a piece of the body."""
    members = gzip.compress(b"") * 10_000
    with serving(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", members, is_endless=True) as url:
        command = [sys.executable, "-c", TURNS, url]
        ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=50)
    assert (ended.stdout, ended.returncode) == ("turns\n", 0), ended.stderr
