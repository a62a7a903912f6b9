"""The transport of one request: limits of size and time, malformed responses, TLS and the Host header."""

import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlsplit

import pytest

from app.config import validators
from app.sources.errors import ShapeChanged, Unreachable
from app.sources.http import ssrf, transport
from app.sources.http.transport import Limits
from tests.support.web import Reply


def get(url: str, seconds: float = 5, max_bytes: int = 1_000_000) -> transport.RawResponse:
    return transport.send(urlsplit(url), {"User-Agent": "test"}, Limits(seconds, max_bytes, allow_private=True))


def test_send_returns_status_body_and_headers(web):
    web.json("/x?a=1", {"ok": True}, headers={"X-Odd": "yes"})
    reply = get(f"{web.url}/x?a=1")
    assert (reply.status, reply.body, reply.headers["x-odd"]) == (200, b'{"ok": true}', "yes")
    assert web.requests[0].headers["user-agent"] == "test"


def test_send_decompresses_the_body(web):
    web.replies["/"] = Reply(gzip.compress(b"word " * 1000), headers={"Content-Encoding": "gzip"})
    assert get(f"{web.url}/").body == b"word " * 1000


def test_send_refuses_a_compression_bomb(web):
    web.replies["/"] = Reply(gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ShapeChanged, match="larger than 1 MB"):
        get(f"{web.url}/")


def test_send_decompresses_a_body_in_chunks():
    zipped = gzip.compress(b"word " * 1000)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(zipped), zipped)
    with serving(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", chunks) as url:
        assert get(url).body == b"word " * 1000


@pytest.mark.parametrize("codings", ["gzip, gzip", "gzip, gzip, gzip", "deflate,gzip"])
def test_send_refuses_a_body_that_is_compressed_more_than_once(web, codings):
    body = gzip.compress(gzip.compress(gzip.compress(b"word")))
    web.replies["/"] = Reply(body, headers={"Content-Encoding": codings})
    with pytest.raises(ShapeChanged, match="compressed more than once"):
        get(f"{web.url}/")


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK, b"X: %b\r\n" % (b"y" * 60_000)),
        (OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
        (OK + b"Content-Encoding: deflate\r\n\r\n\x78\x9c", b"\x00\x00\x00\xff\xff"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["continue", "headers", "empty gzip members", "empty deflate blocks", "trailers"],
)
@pytest.mark.parametrize("max_bytes", [100_000, 10**12])
def test_send_ends_after_too_many_bytes_without_a_body(first, repeated, max_bytes):
    with serving(first, repeated, is_endless=True) as url, pytest.raises(ShapeChanged, match="bytes to send"):
        get(url, seconds=20, max_bytes=max_bytes)


@pytest.mark.parametrize(
    ("chunk", "max_bytes", "sentence"),
    [
        (b"1;%b\r\nx\r\n" % (b"y" * 60_000), 100_000, "too many bytes to send"),
        (b"1\r\nx\r\n", 10**7, "too many pieces"),
    ],
    ids=["extensions", "of one byte"],
)
def test_send_refuses_chunks_that_are_larger_than_their_content(chunk, max_bytes, sentence):
    with serving(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk, is_endless=True) as url:
        with pytest.raises(ShapeChanged, match=sentence):
            get(url, seconds=20, max_bytes=max_bytes)


def test_send_holds_a_body_once_however_small_its_chunks():
    """A list of these pieces and its join would take 10 MB."""
    chunks = b"40\r\n%b\r\n" % (b"xy" * 32) * 62_500 + b"0\r\n\r\n"
    with serving(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunks) as url:
        tracemalloc.start()
        body = get(url, seconds=60, max_bytes=4_000_000).body
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(body) == 4_000_000 and peak < 6_000_000


def test_send_refuses_a_body_beyond_the_limit(web):
    web.replies["/"] = Reply(bytes(1_000_001))
    with pytest.raises(ShapeChanged, match="larger"):
        get(f"{web.url}/")


@pytest.mark.parametrize(
    "reply", [Reply(b"x", delay=5), Reply(b"x" * 500, drip=0.05)], ids=["no response", "a byte at a time"]
)
def test_send_times_out_with_a_slow_server(web, reply):
    web.replies["/"] = reply
    started = time.monotonic()
    with pytest.raises(Unreachable, match="within"):
        get(f"{web.url}/", seconds=0.5)
    assert time.monotonic() - started < 4


def test_send_times_out_with_endless_headers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_trickle, args=(server, b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), daemon=True).start()
        with pytest.raises(Unreachable, match="within"):
            get(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=0.5)


@pytest.mark.parametrize(
    "data",
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
    ids=[
        *("empty", "no HTTP", "invalid status line", "null bytes", "negative length", "invalid chunk"),
        *("too many headers", "invalid gzip", "huge header"),
    ],
)
def test_send_reports_malformed_http_as_unreachable(data):
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_send_once, args=(server, data), daemon=True).start()
        try:
            reply = get(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=3)
        except Unreachable:
            return
        # An invalid Content-Length may also be ignored, with an empty body.
        assert (reply.status, reply.body) == (200, b"")


def test_send_reports_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="refuses"):
        get(f"http://127.0.0.1:{port}/")


def test_tls_requires_a_certificate(web):
    with pytest.raises(Unreachable):
        get(web.url.replace("http:", "https:"), seconds=2)
    assert transport._tls().verify_mode is ssl.CERT_REQUIRED and transport._tls().check_hostname


@pytest.fixture
def names_on_loopback(monkeypatch):
    """Resolve every name to this machine."""
    really = socket.getaddrinfo
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda host, *args, **more: really("127.0.0.1", *args, **more))


def test_tls_verifies_the_host_name_and_not_the_address(tls_web, names_on_loopback):
    tls_web.json("/", {})
    url = tls_web.url.replace("localhost", "acme.boards.example")
    assert get(f"{url}/").status == 200
    assert tls_web.requests[0].headers["host"] == urlsplit(url).netloc


def test_host_header_omits_the_default_port(tls_web, names_on_loopback, monkeypatch):
    tls_web.json("/", {})
    monkeypatch.setitem(validators.DEFAULT_PORTS, "https", urlsplit(tls_web.url).port)
    assert get("https://acme.boards.example/").status == 200
    assert tls_web.requests[0].headers["host"] == "acme.boards.example"


@pytest.mark.parametrize("name", ["acme.example", "127.0.0.1"])
def test_tls_refuses_a_certificate_for_another_name(tls_web, names_on_loopback, name):
    with pytest.raises(Unreachable, match="no certificate that can be trusted"):
        get(tls_web.url.replace("localhost", name))
    assert tls_web.requests == []


def test_tls_handshake_that_never_ends_times_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_trickle, args=(server, b"\x16\x03\x03\x3f\x00", b"\x00"), daemon=True).start()
        with pytest.raises(Unreachable, match="within"):
            get(f"https://127.0.0.1:{server.getsockname()[1]}/", seconds=0.5)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Acme.example", "acme.example"),
        ("https://acme.example.:443/x", "acme.example"),
        ("http://acme.example:443", "acme.example:443"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_host_header_is_written_as_browsers_do(url, host):
    assert transport.authority(urlsplit(url)) == host


@contextmanager
def serving(first: bytes, repeated: bytes, is_endless: bool = False) -> Iterator[str]:
    """Serve one response at full speed, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_send_at_full_speed, args=(server, first, repeated, is_endless), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def _send_at_full_speed(server: socket.socket, first: bytes, repeated: bytes, is_endless: bool) -> None:
    connection, _ = server.accept()
    connection.recv(65536)
    try:
        connection.sendall(first + repeated)
        block = repeated * (1 + 50_000 // len(repeated))
        while is_endless:
            connection.sendall(block)
    except OSError:
        pass  # the client has closed the connection
    connection.close()


def _send_once(server: socket.socket, data: bytes) -> None:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(data)
    connection.close()


def _trickle(server: socket.socket, first: bytes, more: bytes) -> None:
    connection, _ = server.accept()
    try:
        connection.sendall(first)
        while True:
            connection.sendall(more)
            time.sleep(0.1)  # simulates an endless response
    except OSError:
        connection.close()
