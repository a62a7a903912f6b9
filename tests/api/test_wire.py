"""The real web server, spoken to in bytes: even what is no HTTP is answered by a problem document."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from app.config import PROJECT
from tests.support.product import free_port
from tests.support.waiting import PATIENCE_SECONDS, wait_until

GET = b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Speaker:
    """Sends bytes to gunicorn."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> socket.socket:
        """A connection, for who wants to be slow."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def __call__(self, words: bytes) -> tuple[int, dict, Any]:
        """Say it all; returns code, headers and document (or text) of the answer."""
        with self.connect() as connection:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        document = json.loads(body) if "json" in headers["content-type"] else body.decode()
        return int(status.split()[1]), headers, document


@pytest.fixture(scope="module")
def say(app, settings) -> Iterator[Speaker]:
    """gunicorn, as it is started by hand."""
    port = free_port()
    ours = {"DATA_DIR": str(settings.data_dir), "AUTH": "local", "PORT": str(port), "WEB_THREADS": "4"}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    server = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **ours}, stderr=subprocess.DEVNULL)
    speaker = Speaker(port)

    def listens() -> bool:
        try:
            return speaker(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
        except OSError:
            return False

    try:
        wait_until(listens, what="gunicorn")
        yield speaker
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


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
        (b"POST /api/ingestion/start HTTP/1.1\r\nHost: a b\r\n\r\n", 403),
        (POST + b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n", 400),
        (POST + b'Idempotency-Key: "\xc3\xa4"\r\n\r\n', 400),
        (POST + b"Idempotency-Key:\r\n\r\n", 400),
    ],
    ids=lambda value: value[-40:].decode("latin1").strip() if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_of_ours_is_a_problem_document(say, words, code):
    status, headers, document = say(words)
    assert (status, document["status"], headers["content-type"]) == (code, code, "application/problem+json")
    assert headers["x-request-id"] == document["request_id"]


def test_a_chunked_body_is_a_body(say, client):
    status, _, document = say(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert (status, document) == (201, {"run_id": 1})


def test_a_request_without_a_host_name_is_answered_to_this_machine(say):
    assert say(b"GET /api/ingestion/current-run HTTP/1.0\r\n\r\n")[0] == 200


@pytest.mark.parametrize("header", [b"SCRIPT_NAME: /x", b"SCRIPT_NAME: /api", b"PATH_INFO: /nowhere", b"Path-Info: /x"])
def test_no_header_moves_a_request_to_another_address(say, header):
    assert say(GET + header + b"\r\n\r\n")[0] in (200, 400)


def test_no_header_makes_another_origin_ours(say):
    words = POST + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nOrigin: https://localhost\r\n\r\n"
    assert say(words)[0] == 403


def test_two_slashes_are_no_redirect_but_an_unknown_address(say):
    words = b"GET /api//ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert say(words)[0] == 404


def test_clients_that_say_nothing_more_do_not_keep_the_threads(say):
    """More of them than there are threads; each is given up after a few seconds."""
    half = [say.connect() for _ in range(10)]
    for connection in half:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
    wait_until(lambda: say(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200, what="an answer")
    for connection in half:
        connection.close()


def test_a_body_that_does_not_come_is_given_up(say):
    with say.connect() as connection:
        connection.sendall(POST + b"Content-Length: 50\r\n\r\n{}")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The body could not be read to its end." in answer


def test_metrics_of_all_processes_are_there(say):
    status, _, text = say(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == 200
    assert 'http_requests_total{code="200",method="GET",route="/healthz"}' in text


def test_a_foreign_host_name_does_nothing(say):
    assert say(b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: example.org\r\n\r\n")[0] == 403
