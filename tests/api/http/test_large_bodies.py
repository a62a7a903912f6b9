"""Large bodies on the wire: how many a user may send at a time, and the requests of others meanwhile."""

import select
import socket

from tests.support.factories import open_transaction
from tests.support.waiting import WAIT_TIMEOUT
from tests.support.wire import gunicorn, read_to_end

IMPORT = b"POST /api/ingestion/companies/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LONG = 200_000
"""Size of a body in bytes. Only an import may send one this large."""

NO_COMPANIES = b'{"companies": []' + b" " * (LONG - 17) + b"}"
"""A body of that size."""


def test_large_bodies_of_a_user_are_limited_to_two(app, settings, client):
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        three = [speaker.connect() for _ in range(3)]
        for connection in three:
            connection.sendall(IMPORT + b"Content-Length: %d\r\n\r\n" % LONG + NO_COMPANIES[:1000])
        third = refused_upload(three)
        for connection in set(three) - {third}:
            connection.sendall(NO_COMPANIES[1000:])
            assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
            connection.close()
        assert speaker(IMPORT + b"Content-Length: %d\r\n\r\n" % LONG + NO_COMPANIES)[0] == 200


def test_large_body_counts_until_its_request_ends(app, settings, client):
    """A body takes memory not only while it arrives."""
    with gunicorn(settings, WEB_WORKERS="1") as speaker, open_transaction("LOCK TABLE companies"):
        three = [speaker.connect() for _ in range(3)]
        for connection in three:
            connection.sendall(IMPORT + b"Content-Length: %d\r\n\r\n" % LONG + NO_COMPANIES)
        refused_upload(three)
        for connection in three:
            connection.close()


def refused_upload(connections: list[socket.socket]) -> socket.socket:
    """Return the connection that is answered first, and check that it is a refusal of too many uploads."""
    [refused], _, _ = select.select(connections, [], [], WAIT_TIMEOUT)
    head, _, body = read_to_end(refused).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 ") and b"\r\nRetry-After: " in head
    assert b'"too_many_uploads"' in body
    refused.close()
    return refused
