"""Raw bytes to the real web server: malformed HTTP gets a problem document too."""

from collections.abc import Iterator

import pytest

from app.api.http.guards import SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY
from tests.conftest import PUBLIC_URL, SECRET_KEY
from tests.support.wire import RawClient, gunicorn

GET = b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(app, settings) -> Iterator[RawClient]:
    """A web server for all tests of this module."""
    with gunicorn(settings) as speaker:
        yield speaker


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"G(T / HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (GET + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(150)) + b"\r\n", 431),
        (GET + b"Bad Header: 1\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: abc\r\n\r\n", 400),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (POST + b"Transfer-Encoding: nonsense\r\n\r\n{}", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}", 400),
        (POST + b"Content-Length: 50\r\n\r\n{}", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n", 413),
        (POST + b"Content-Length: 9999999999999\r\n\r\n{}", 413),
        (b"GET /api/ingestion/current-run HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET /nowhere HTTP/1.1\r\nX-Forwarded-Host: localhost\r\n\r\n", 400),
        (b"POST /api/ingestion/start HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400),
        (GET + b"Host: localhost\r\n\r\n", 400),
        (b"POST /api/ingestion/start HTTP/1.1\r\nHost: a b\r\n\r\n", 403),
        (POST + b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n", 400),
        (POST + b'Idempotency-Key: "\xc3\xa4"\r\n\r\n', 400),
        (POST + b"Idempotency-Key:\r\n\r\n", 400),
    ],
    ids=lambda value: value[-40:].decode("latin1").strip() if isinstance(value, bytes) else str(value),
)
def test_malformed_request_gets_a_problem_document(server, words, code):
    status, headers, document = server(words)
    assert (status, document["status"], headers["content-type"]) == (code, code, "application/problem+json")
    assert headers["x-request-id"] == document["request_id"]
    assert headers["cache-control"] == "no-store"
    assert {name.lower(): value.lower() for name, value in SECURITY_HEADERS.items()}.items() <= headers.items()


def test_malformed_request_gets_strict_transport_security_with_tls(app, settings):
    with gunicorn(settings, AUTH="accounts", SECRET_KEY=SECRET_KEY, PUBLIC_URL=PUBLIC_URL) as speaker:
        assert speaker(b"NONSENSE\r\n\r\n")[1]["strict-transport-security"] == STRICT_TRANSPORT_SECURITY


def test_chunked_body_is_accepted(server, client):
    status, _, document = server(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert (status, document) == (201, {"run_id": 1})


def test_http_1_0_without_host_is_accepted(server):
    assert server(b"GET /api/ingestion/current-run HTTP/1.0\r\n\r\n")[0] == 200


@pytest.mark.parametrize("header", [b"SCRIPT_NAME: /x", b"SCRIPT_NAME: /api", b"PATH_INFO: /nowhere", b"Path-Info: /x"])
def test_headers_cannot_change_the_path(server, header):
    assert server(GET + header + b"\r\n\r\n")[0] in (200, 400)


def test_headers_cannot_change_the_origin(server):
    words = POST + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nOrigin: https://localhost\r\n\r\n"
    assert server(words)[0] == 403


def test_double_slash_is_404_instead_of_a_redirect(server):
    words = b"GET /api//ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert server(words)[0] == 404


def test_metrics_are_those_of_all_processes(server):
    status, _, text = server(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == 200
    assert 'http_requests_total{code="200",method="GET",route="/healthz"}' in text


def test_foreign_host_name_is_refused(server):
    assert server(b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: example.org\r\n\r\n")[0] == 403
