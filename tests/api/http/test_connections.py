"""The bounds of a client's connection, apart from a server; with one: tests/test_web_server.py."""

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
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_client_has_a_time_to_take_an_answer(pair):
    set_write_timeout({"gunicorn.socket": pair[0]})
    assert pair[0].gettimeout() == WRITE_TIMEOUT


def test_linger_ends_our_side_and_waits_for_the_end_of_theirs(pair):
    ours, theirs = pair
    theirs.sendall(b"more")
    theirs.shutdown(socket.SHUT_WR)
    linger(ours)
    assert theirs.recv(1) == b""
    assert ours.recv(1) == b"", "what still came was received"


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
def test_no_request_follows_where_its_beginning_could_be_in_doubt(method, headers, closes):
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
def test_connections_fit_below_the_limit_of_files(monkeypatch, limits, connections, raised):
    kept = {"limits": limits}
    monkeypatch.setattr(resource, "getrlimit", lambda _: kept["limits"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: kept.update(limits=limits))
    assert raise_file_limit() == connections
    assert kept["limits"][0] == raised
