"""The web server with clients that are slow, silent or pipelining, and with requests that take long."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest
from gevent import monkey
from sqlalchemy import Connection

from app.config.settings import PROJECT, Settings
from app.embedded.data_dir import make_metrics_folder
from tests.support.factories import open_transaction, sql
from tests.support.product import free_port
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.wire import HEALTH, RawClient, gunicorn, read_to_end

START = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CURRENT = b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

IMPORT = b"POST /api/ingestion/companies/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LONG = 200_000
"""Size of a body in bytes. Only an import may send one this large."""

CROWD = 20
"""Number of clients: more than the server has connections to PostgreSQL."""


@pytest.fixture(scope="module")
def server(app, settings) -> Iterator[RawClient]:
    """A web server for the tests of this module, except those that stop their server."""
    with gunicorn(settings) as speaker:
        yield speaker


def read_response(connection: socket.socket) -> bytes:
    """Read one response with a Content-Length from a connection that stays open."""
    received = read_head(connection)
    length = int(received.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
    while length > 0:
        piece = connection.recv(length)
        assert piece
        received += piece
        length -= len(piece)
    return received


def read_head(connection: socket.socket) -> bytes:
    """Read the head of a response."""
    received = b""
    while b"\r\n\r\n" not in received:
        letter = connection.recv(1)
        assert letter
        received += letter
    return received


def are_silent(connections: list[socket.socket]) -> bool:
    """Return whether no connection has received anything or was closed."""
    return select.select(connections, [], [], 0)[0] == []


def only_process(speaker: RawClient) -> psutil.Process:
    """Return the only worker process of a server."""
    (process,) = psutil.Process(speaker.server.pid).children()
    return process


@contextmanager
def blocked_requests(settings: Settings, number: int) -> Iterator[tuple[RawClient, list[socket.socket], Connection]]:
    """Yield a server, clients whose requests wait for a locked table, and the session that locks it.

    The server has one process with four database connections.
    """
    with ExitStack() as stack:
        speaker = stack.enter_context(gunicorn(settings, WEB_WORKERS="1"))
        locker = stack.enter_context(open_transaction("LOCK TABLE ingestion_runs IN ACCESS EXCLUSIVE MODE"))
        held = [stack.enter_context(speaker.connect()) for _ in range(number)]
        for connection in held:
            connection.sendall(CURRENT)
        yield speaker, held, locker


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_quick_shutdown_leaves_no_thread_behind(app, settings, number):
    """The process ends by itself, and its waiting threads end with it."""
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        process = only_process(speaker)
        process.send_signal(number)
        process.wait(WAIT_TIMEOUT)
        wait_until(speaker.listens, what="a new worker")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: loc",
        START + b"Content-Length: 50\r\n\r\n{",
        START + b"Content-Length: 0000000050\r\n\r\n{",
        START + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{",
        START + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n\r\n0\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "leading zeros", "half a chunk", "a fake last chunk"],
)
def test_slow_clients_do_not_delay_others(server, start):
    slow = [server.connect() for _ in range(CROWD)]
    for connection in slow:
        connection.sendall(start)
    for _ in range(3):
        for connection in slow:
            connection.sendall(b"1" if start else b"")
        assert server(HEALTH)[0] == 200
        assert are_silent(slow)
    for connection in slow:
        connection.close()


def test_clients_that_never_close_do_not_delay_others(server):
    """Lingering two seconds for one client after the other would exceed the test's timeout."""
    crowd = [server.connect() for _ in range(400)]
    for connection in crowd:
        connection.sendall(LAST)
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
    assert server(HEALTH)[0] == 200
    for connection in crowd:
        connection.close()


def test_silent_client_is_disconnected(server):
    with server.connect() as connection:
        assert read_to_end(connection) == b""


def test_idle_connection_is_closed(server):
    with server.connect() as connection:
        connection.sendall(HEALTH)
        assert read_response(connection).startswith(b"HTTP/1.1 200 ")
        assert read_to_end(connection) == b""


def test_incomplete_head_times_out(server):
    with server.connect() as connection:
        connection.sendall(HEALTH[:20])
        assert read_to_end(connection) == b""


def test_incomplete_body_is_refused_and_later_bytes_are_no_request(server):
    with server.connect() as connection:
        connection.sendall(START + b"Content-Length: 50\r\n\r\n{}")
        refusal = read_response(connection)
        connection.sendall(HEALTH)
        try:
            rest = read_to_end(connection)
        except ConnectionResetError:
            rest = b""
    assert refusal.startswith(b"HTTP/1.1 400 ")
    assert b"The body was cut short, or did not arrive in time." in refusal
    assert rest == b""


def test_request_may_arrive_in_pieces(server):
    with server.connect() as connection:
        for letter in HEALTH:
            connection.sendall(bytes([letter]))
        assert read_response(connection).startswith(b"HTTP/1.1 200 ")


def test_body_may_arrive_in_pieces(server, client):
    with server.connect() as connection:
        for piece in (START + b"Content-Le", b"ngth: 2\r\n\r\n", b"{", b"}"):
            connection.sendall(piece)
        assert read_response(connection).startswith(b"HTTP/1.1 201 ")


def test_pipelined_requests_are_all_served(server):
    missing = b"GET /api/nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(HEALTH + missing + HEALTH[:30])
        assert read_response(connection).startswith(b"HTTP/1.1 200 ")
        assert read_response(connection).startswith(b"HTTP/1.1 404 ")
        connection.sendall(HEALTH[30:])
        assert read_response(connection).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_before_a_half_close_are_all_served(server):
    with server.connect() as connection:
        connection.sendall(HEALTH * 3)
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection).count(b"HTTP/1.1 200 ") == 3


def test_expect_continue_is_honoured(server, client):
    with server.connect() as connection:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert read_head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert read_response(connection).startswith(b"HTTP/1.1 201 ")


def test_expect_continue_without_a_body_times_out(server):
    with server.connect() as connection:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert read_head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        refusal = read_response(connection)
        assert refusal.startswith(b"HTTP/1.1 400 ")
        assert b"The body was cut short, or did not arrive in time." in refusal
        assert read_to_end(connection) == b""


def test_malformed_unread_body_gets_no_second_response(server):
    with server.connect() as connection:
        connection.sendall(HEALTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert read_to_end(connection).count(b"HTTP/1.1 ") == 1


def test_response_arrives_if_the_body_is_refused_unread(server):
    """The rest of the body is larger than the kernel's buffers when the request is refused."""
    with server.connect() as connection:
        connection.sendall(START + b"Content-Length: 900000\r\n\r\n")
        for _ in range(9):
            connection.sendall(b" " * 100_000)
        refusal = read_to_end(connection)
    assert refusal.startswith(b"HTTP/1.1 413 ")


def test_blocked_requests_do_not_delay_others(settings, app):
    with blocked_requests(settings, 3) as (speaker, held, locker):
        wait_until(lambda: sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(3,)], what="three requests")
        assert speaker(HEALTH)[0] == 200
        assert are_silent(held)
        locker.rollback()
        for connection in held:
            assert read_response(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_without_a_database_connection_get_503(settings, app):
    """Requests wait 3 s each, one after the other. In total, that exceeds the timeout of a silent client."""
    with blocked_requests(settings, 16) as (_, held, _):
        for connection in held:
            assert read_response(connection).startswith(b"HTTP/1.1 503 ")


def test_endless_pipelining_is_read_no_faster_than_served(server):
    """Reading ahead would take 64 KiB for each response. The kernel's buffers hold some bytes, too."""
    sent = served = 0
    with server.connect() as connection:
        connection.setblocking(False)
        while served < 400:
            readable, writable, _ = select.select([connection], [connection], [], WAIT_TIMEOUT)
            if readable:
                served += connection.recv(65536).count(b"HTTP/1.1 200 ")
            if writable:
                sent += connection.send(HEALTH * 1000)
    assert sent < 10_000_000


def test_endless_pipelining_does_not_starve_others(app, settings):
    """All requests of the greedy client have arrived before the other client connects."""
    with gunicorn(settings, WEB_WORKERS="1") as speaker, speaker.connect() as greedy:
        greedy.setblocking(False)
        sent = 0
        while select.select([], [greedy], [], 0.2)[1]:
            sent += greedy.send(HEALTH * 1000)
        assert speaker(HEALTH)[0] == 200
        served = 0
        while select.select([greedy], [], [], 0)[0]:
            served += greedy.recv(1 << 20).count(b"HTTP/1.1 200 ")
        assert served < sent // len(HEALTH)


def test_expect_continue_of_a_crowd_does_not_delay_others(server):
    crowd = [server.connect() for _ in range(200)]
    for connection in crowd:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    for connection in crowd:
        assert read_head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert server(HEALTH)[0] == 200
    assert are_silent(crowd)
    for connection in crowd:
        connection.close()


def test_large_body_is_refused_at_its_head_without_a_credential(app, settings):
    with gunicorn(settings, AUTH="accounts", SECRET_KEY="k3y-" * 4 + "0f-the-tests-of-the-wire") as speaker:
        with speaker.connect() as connection:
            connection.sendall(IMPORT + b"Content-Length: %d\r\n\r\n[" % LONG)
            refusal = read_to_end(connection)
    assert refusal.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in refusal


def test_clients_that_do_not_read_do_not_delay_others(server):
    """The write timeout disconnects them later (tests/api/http/test_connections.py)."""
    large = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    crowd = [server.connect() for _ in range(CROWD)]
    for connection in crowd:
        connection.sendall(large * 500)
    assert server(HEALTH)[0] == 200
    for connection in crowd:
        connection.close()


def test_gthread_serves_instead_of_gevent(app, settings, client):
    with gunicorn(settings, WEB_WORKER_CLASS="gthread") as speaker:
        assert speaker(START + b"Content-Length: 2\r\n\r\n{}")[0] == 201
        assert speaker(CURRENT)[2] == {"run_id": 1}


def test_worker_class_on_the_command_line_is_refused(tmp_path):
    folder = make_metrics_folder(tmp_path)
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "wsgi:app"]
    environment = {"DATA_DIR": str(tmp_path), "AUTH": "local", "PORT": str(free_port())}
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Set WEB_WORKER_CLASS instead of --worker-class; it is gevent now." in done.stderr
    assert list(folder.parent.glob(f"{folder.name}-*")) == [], "a refused start leaves no metrics"
    folder.rmdir()


@pytest.mark.parametrize("module", ["wsgi", "celery_worker", "app.launcher.main"])
def test_gevent_patches_only_the_web_server(settings, module):
    modules = ("socket", "threading", "select")
    check = f"from gevent import monkey; assert not any(map(monkey.is_module_patched, {modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; {check}"],
        cwd=PROJECT,
        env={**os.environ, "DATA_DIR": str(settings.data_dir), "AUTH": "local"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not monkey.is_module_patched("socket"), "the test process must not be patched either"


def test_process_without_free_files_lets_clients_wait(app, settings):
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        process = only_process(speaker)
        limit = process.num_fds() + 5
        process.rlimit(psutil.RLIMIT_NOFILE, (limit, limit))
        crowd = [speaker.connect() for _ in range(20)]
        wait_until(lambda: process.num_fds() >= limit, what="a process without free files")
        assert speaker(HEALTH)[0] == 200
        assert only_process(speaker) == process
        for connection in crowd:
            connection.close()


def test_graceful_shutdown_serves_until_it_announces_the_close(app, settings):
    with gunicorn(settings, WEB_WORKERS="1") as speaker, speaker.connect() as connection:
        connection.sendall(HEALTH)
        assert read_response(connection).startswith(b"HTTP/1.1 200 ")
        speaker.server.send_signal(signal.SIGTERM)
        received = b""
        while b"\r\nConnection: close\r\n" not in received:
            connection.sendall(HEALTH[:30])
            connection.sendall(HEALTH[30:])
            received = read_response(connection)
            assert received.startswith(b"HTTP/1.1 200 ")
        assert read_to_end(connection) == b""
        connection.close()
        assert speaker.server.wait(WAIT_TIMEOUT) == 0
