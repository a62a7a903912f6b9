"""Limits of client connections, without a server; test_web_server.py tests them with a server."""

import resource
import socket

import pytest

from app.api.http.connections import (
    MAX_CONNECTIONS,
    WRITE_TIMEOUT,
    linger,
    must_close,
    raise_file_limit,
    set_write_timeout,
)


@pytest.fixture
def sockets():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_set_write_timeout_limits_sending(sockets):
    set_write_timeout({"gunicorn.socket": sockets[0]})
    assert sockets[0].gettimeout() == WRITE_TIMEOUT


def test_linger_closes_one_side_and_waits_for_the_other(sockets):
    ours, theirs = sockets
    theirs.sendall(b"more")
    theirs.shutdown(socket.SHUT_WR)
    linger(ours)
    assert theirs.recv(1) == b""
    assert ours.recv(1) == b"", "late bytes were received"


@pytest.mark.parametrize(
    ("method", "headers", "closes"),
    [
        ("GET", [], False),
        ("POST", [("CONTENT-LENGTH", "65536")], False),
        ("POST", [("CONTENT-LENGTH", "65537")], True),
        ("POST", [("content-length", "65537")], True),
        ("POST", [("CONTENT-LENGTH", "x")], True),
        ("POST", [("TRANSFER-ENCODING", "chunked")], True),
        ("GET", [("CONTENT-LENGTH", "0")], False),
        ("GET", [("CONTENT-LENGTH", "1")], True),
    ],
)
def test_must_close_if_the_end_of_the_body_is_unknown(method, headers, closes):
    assert must_close(method, headers) is closes


@pytest.mark.parametrize(
    ("limits", "connections", "raised"),
    [
        ((256, 20_000), MAX_CONNECTIONS, 1100),
        ((256, 256), 156, 256),
        ((20_000, 20_000), MAX_CONNECTIONS, 20_000),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), MAX_CONNECTIONS, resource.RLIM_INFINITY),
        ((64, 64), 1, 64),
    ],
)
def test_raise_file_limit_fits_connections_below_the_limit(monkeypatch, limits, connections, raised):
    current = {"limits": limits}
    monkeypatch.setattr(resource, "getrlimit", lambda _: current["limits"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: current.update(limits=limits))
    assert raise_file_limit() == connections
    assert current["limits"][0] == raised
