"""Large bodies on the wire: how many a user may send at a time, and the requests of others meanwhile."""

import io
import select
import socket

import pytest

from app.api.http.bodies import MAX_CHUNKED_READ
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


class RecordedInput(io.BytesIO):
    """The input of a request, and the sizes of the reads from it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        """Read up to ``size`` bytes."""
        self.sizes.append(-1 if size is None else size)
        return super().read(size)


@pytest.mark.parametrize("path", ["start", "companies/import"])
def test_chunked_body_is_read_in_short_pieces(client, path):
    """gunicorn parses all chunks of a piece in one go, and a chunk may have one byte."""
    body = RecordedInput(b" " * 20_000)
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body, "wsgi.input_terminated": True}
    client.post(f"/api/ingestion/{path}", content_type="application/json", environ_overrides=environ)
    assert body.read() == b""
    assert 0 < min(body.sizes[:-1]) <= max(body.sizes) <= MAX_CHUNKED_READ
