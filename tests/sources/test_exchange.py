"""One request costs no more than it may, whatever comes back."""

import gzip
import socket
import ssl
import time
from threading import Thread
from urllib.parse import urlsplit

import pytest

from app.sources import exchange
from app.sources.errors import ShapeChanged, Unreachable
from app.sources.exchange import Bounds
from tests.support.web import Reply


def get(url: str, seconds: float = 5, most_bytes: int = 1_000_000) -> exchange.Reply:
    return exchange.get(urlsplit(url), {"User-Agent": "test"}, Bounds(seconds, most_bytes, inward=True))


def test_a_reply_is_what_was_sent(web):
    web.json("/x?a=1", {"ok": True}, headers={"X-Odd": "yes"})
    reply = get(f"{web.url}/x?a=1")
    assert (reply.status, reply.body, reply.headers["x-odd"]) == (200, b'{"ok": true}', "yes")
    assert web.asked[0].headers["user-agent"] == "test"


def test_compressed_bodies_are_unpacked(web):
    web.replies["/"] = Reply(gzip.compress(b"word " * 1000), headers={"Content-Encoding": "gzip"})
    assert get(f"{web.url}/").body == b"word " * 1000


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(web):
    web.replies["/"] = Reply(gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ShapeChanged, match="larger than 1 MB"):
        get(f"{web.url}/")


def test_what_is_larger_than_it_may_be_is_refused(web):
    web.replies["/"] = Reply(bytes(1_000_001))
    with pytest.raises(ShapeChanged, match="larger"):
        get(f"{web.url}/")


@pytest.mark.parametrize(
    "reply", [Reply(b"x", delay=5), Reply(b"x" * 500, drip=0.05)], ids=["says nothing", "a byte at a time"]
)
def test_the_time_is_over_when_it_is_over(web, reply):
    web.replies["/"] = reply
    began = time.monotonic()
    with pytest.raises(Unreachable, match="within"):
        get(f"{web.url}/", seconds=0.5)
    assert time.monotonic() - began < 4


def test_headers_that_never_end_do_not_either():
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_trickle, args=(server,), daemon=True).start()
        with pytest.raises(Unreachable):
            get(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=0.5)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"\x00" * 99,
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99_000,
    ],
    ids=range(9),
)
def test_what_is_no_http_is_unreachable(said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_say, args=(server, said), daemon=True).start()
        try:
            reply = get(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=3)
        except Unreachable:
            return
        # A length that makes no sense may be passed over, with nothing in the body.
        assert (reply.status, reply.body) == (200, b"")


def test_nobody_there_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="refuses"):
        get(f"http://127.0.0.1:{port}/")


def test_a_server_whose_certificate_nobody_knows_is_not_trusted(web):
    with pytest.raises(Unreachable):
        get(web.url.replace("http:", "https:"), seconds=2)
    assert exchange._tls().verify_mode is ssl.CERT_REQUIRED and exchange._tls().check_hostname


def _say(server: socket.socket, said: bytes) -> None:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(said)
    connection.close()


def _trickle(server: socket.socket) -> None:
    connection, _ = server.accept()
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Line: more\r\n")
            time.sleep(0.1)  # the server is slow, and never comes to an end
    except OSError:
        connection.close()
