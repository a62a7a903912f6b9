"""The web server with clients that are slow, rude or in a hurry, and with requests that take long."""

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
from tests.support.factories import holding, sql
from tests.support.product import free_port
from tests.support.waiting import PATIENCE_SECONDS, wait_until
from tests.support.wire import HEALTH, Speaker, everything, gunicorn

START = b"POST /api/ingestion/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CURRENT = b"GET /api/ingestion/current-run HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

IMPORT = b"POST /api/ingestion/companies/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LONG = 200_000
"""Bytes of a body that is long, and allowed for an import alone."""

CROWD = 20
"""More clients than the server has connections to PostgreSQL."""


@pytest.fixture(scope="module")
def say(app, settings) -> Iterator[Speaker]:
    """A web server for all tests here but those that stop it."""
    with gunicorn(settings) as speaker:
        yield speaker


def answer(connection: socket.socket) -> bytes:
    """One answer with a Content-Length, of a connection that stays open."""
    said = head(connection)
    length = int(said.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
    while length > 0:
        piece = connection.recv(length)
        assert piece
        said += piece
        length -= len(piece)
    return said


def head(connection: socket.socket) -> bytes:
    """The head of an answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        letter = connection.recv(1)
        assert letter
        said += letter
    return said


def are_silent(connections: list[socket.socket]) -> bool:
    """Whether nothing has been said on any of them, and none has been closed."""
    return select.select(connections, [], [], 0)[0] == []


def only_process(speaker: Speaker) -> psutil.Process:
    """The process that answers, of a server with one."""
    (process,) = psutil.Process(speaker.server.pid).children()
    return process


@contextmanager
def runs_locked(settings: Settings, number: int) -> Iterator[tuple[Speaker, list[socket.socket], Connection]]:
    """Yield this many clients of one process with four connections, which all want what somebody has locked."""
    with ExitStack() as stack:
        speaker = stack.enter_context(gunicorn(settings, WEB_WORKERS="1"))
        locker = stack.enter_context(holding("LOCK TABLE ingestion_runs IN ACCESS EXCLUSIVE MODE"))
        held = [stack.enter_context(speaker.connect()) for _ in range(number)]
        for connection in held:
            connection.sendall(CURRENT)
        yield speaker, held, locker


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_is_to_stop_at_once_leaves_nobody_behind(app, settings, number):
    """The threads that wait for clients end with it: none has to be killed, which its parent would tell."""
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        process = only_process(speaker)
        process.send_signal(number)
        process.wait(PATIENCE_SECONDS)
        wait_until(speaker.listens, what="another worker")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: loc",
        START + b"Content-Length: 50\r\n\r\n{",
        START + b"Content-Length: 0000000050\r\n\r\n{",
        START + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{",
        START + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n\r\n0\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "zeros before", "half a chunk", "what looks like the last chunk"],
)
def test_clients_that_hesitate_hold_nobody_up(say, beginning):
    slow = [say.connect() for _ in range(CROWD)]
    for connection in slow:
        connection.sendall(beginning)
    for _ in range(3):
        for connection in slow:
            connection.sendall(b"1" if beginning else b"")
        assert say(HEALTH)[0] == 200
        assert are_silent(slow)
    for connection in slow:
        connection.close()


def test_clients_that_do_not_close_their_end_hold_nobody_up(say):
    """So many that to wait for one after the other, two seconds each, would take longer than a test may."""
    rude = [say.connect() for _ in range(400)]
    for connection in rude:
        connection.sendall(LAST)
        assert everything(connection).startswith(b"HTTP/1.1 200 ")
    assert say(HEALTH)[0] == 200
    for connection in rude:
        connection.close()


def test_a_client_that_says_nothing_is_parted_with(say):
    with say.connect() as connection:
        assert everything(connection) == b""


def test_a_client_that_says_nothing_more_is_parted_with(say):
    with say.connect() as connection:
        connection.sendall(HEALTH)
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
        assert everything(connection) == b""


def test_half_a_head_is_given_up(say):
    with say.connect() as connection:
        connection.sendall(HEALTH[:20])
        assert everything(connection) == b""


def test_a_body_that_does_not_come_is_given_up_and_what_comes_later_is_no_request(say):
    with say.connect() as connection:
        connection.sendall(START + b"Content-Length: 50\r\n\r\n{}")
        refusal = answer(connection)
        connection.sendall(HEALTH)
        try:
            rest = everything(connection)
        except ConnectionResetError:
            rest = b""
    assert refusal.startswith(b"HTTP/1.1 400 ")
    assert b"The body was cut short, or did not arrive in time." in refusal
    assert rest == b""


def test_a_request_may_come_in_pieces(say):
    with say.connect() as connection:
        for letter in HEALTH:
            connection.sendall(bytes([letter]))
        assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_a_body_may_come_in_pieces(say, client):
    with say.connect() as connection:
        for piece in (START + b"Content-Le", b"ngth: 2\r\n\r\n", b"{", b"}"):
            connection.sendall(piece)
        assert answer(connection).startswith(b"HTTP/1.1 201 ")


def test_requests_may_come_together(say):
    missing = b"GET /api/nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with say.connect() as connection:
        connection.sendall(HEALTH + missing + HEALTH[:30])
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
        assert answer(connection).startswith(b"HTTP/1.1 404 ")
        connection.sendall(HEALTH[30:])
        assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_may_come_together_from_who_says_no_more(say):
    with say.connect() as connection:
        connection.sendall(HEALTH * 3)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection).count(b"HTTP/1.1 200 ") == 3


def test_a_client_that_asks_first_is_told_to_go_on(say, client):
    with say.connect() as connection:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert answer(connection).startswith(b"HTTP/1.1 201 ")


def test_a_client_that_asks_first_and_then_dawdles_is_given_up(say):
    with say.connect() as connection:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        refusal = answer(connection)
        assert refusal.startswith(b"HTTP/1.1 400 ")
        assert b"The body was cut short, or did not arrive in time." in refusal
        assert everything(connection) == b""


def test_what_is_wrong_with_a_body_that_nobody_read_is_no_second_answer(say):
    with say.connect() as connection:
        connection.sendall(HEALTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert everything(connection).count(b"HTTP/1.1 ") == 1


def test_an_answer_arrives_though_the_body_was_refused_unread(say):
    """More of it than the kernel holds back is still to come when it is refused."""
    with say.connect() as connection:
        connection.sendall(START + b"Content-Length: 900000\r\n\r\n")
        for _ in range(9):
            connection.sendall(b" " * 100_000)
        refusal = everything(connection)
    assert refusal.startswith(b"HTTP/1.1 413 ")


def test_requests_that_are_held_up_do_not_hold_up_others(settings, app):
    with runs_locked(settings, 3) as (speaker, held, locker):
        wait_until(lambda: sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(3,)], what="three that wait")
        assert speaker(HEALTH)[0] == 200
        assert are_silent(held)
        locker.rollback()
        for connection in held:
            assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_that_find_no_connection_for_long_are_answered_all_the_same(settings, app):
    """Those in front of them wait 3 s each: longer in all than a silent client is kept."""
    with runs_locked(settings, 16) as (_, held, _):
        for connection in held:
            assert answer(connection).startswith(b"HTTP/1.1 503 ")


def test_of_a_client_that_asks_without_end_no_more_is_taken_in_than_is_answered(say):
    """For each answer it would be 64 KiB otherwise; the systems between us keep some of it, too."""
    asked = answered = 0
    with say.connect() as connection:
        connection.setblocking(False)
        while answered < 400:
            readable, writable, _ = select.select([connection], [connection], [], PATIENCE_SECONDS)
            if readable:
                answered += connection.recv(65536).count(b"HTTP/1.1 200 ")
            if writable:
                asked += connection.send(HEALTH * 1000)
    assert asked < 10_000_000


def test_a_client_that_asks_without_end_has_its_turn_and_no_more(app, settings):
    """All that it asks has arrived before the other client connects."""
    with gunicorn(settings, WEB_WORKERS="1") as speaker, speaker.connect() as greedy:
        greedy.setblocking(False)
        asked = 0
        while select.select([], [greedy], [], 0.2)[1]:
            asked += greedy.send(HEALTH * 1000)
        assert speaker(HEALTH)[0] == 200
        answered = 0
        while select.select([greedy], [], [], 0)[0]:
            answered += greedy.recv(1 << 20).count(b"HTTP/1.1 200 ")
        assert answered < asked // len(HEALTH)


def test_clients_that_ask_first_hold_nobody_up(say):
    crowd = [say.connect() for _ in range(200)]
    for connection in crowd:
        connection.sendall(START + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    for connection in crowd:
        assert head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert say(HEALTH)[0] == 200
    assert are_silent(crowd)
    for connection in crowd:
        connection.close()


def test_a_long_body_is_refused_at_its_head_without_signing_in(app, settings):
    with gunicorn(settings, AUTH="accounts", SECRET_KEY="k3y-" * 4 + "0f-the-tests-of-the-wire") as speaker:
        with speaker.connect() as connection:
            connection.sendall(IMPORT + b"Content-Length: %d\r\n\r\n[" % LONG)
            refusal = everything(connection)
    assert refusal.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in refusal


def test_a_user_sends_two_long_bodies_at_a_time(app, settings, client):
    body = b'{"companies": []' + b" " * (LONG - 17) + b"}"
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        first, second = speaker.connect(), speaker.connect()
        for connection in (first, second):
            connection.sendall(IMPORT + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % LONG)
            assert head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body[:1000])
        # Both were told to go on before they had their places.
        third = IMPORT + b"Content-Length: %d\r\n\r\n" % LONG + body
        refusal = wait_until(lambda: (said := speaker(third))[0] == 429 and said, what="a refusal")
        assert refusal[2]["code"] == "too_many_uploads"
        assert int(refusal[1]["retry-after"]) > 0
        for connection in (first, second):
            connection.sendall(body[1000:])
            assert everything(connection).startswith(b"HTTP/1.1 200 ")
            connection.close()
        assert speaker(IMPORT + b"Content-Length: %d\r\n\r\n" % LONG + body)[0] == 200


def test_clients_that_take_no_answer_hold_nobody_up(say):
    """They are parted with, too: their sockets have a time limit (tests/api/http/test_connections.py)."""
    large = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    crowd = [say.connect() for _ in range(CROWD)]
    for connection in crowd:
        connection.sendall(large * 500)
    assert say(HEALTH)[0] == 200
    for connection in crowd:
        connection.close()


def test_gthread_serves_where_gevent_is_not_wanted(app, settings, client):
    with gunicorn(settings, WEB_WORKER_CLASS="gthread") as speaker:
        assert speaker(START + b"Content-Length: 2\r\n\r\n{}")[0] == 201
        assert speaker(CURRENT)[2] == {"run_id": 1}


def test_a_worker_class_of_the_command_line_is_refused(tmp_path):
    folder = make_metrics_folder(tmp_path)
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "wsgi:app"]
    ours = {"DATA_DIR": str(tmp_path), "AUTH": "local", "PORT": str(free_port())}
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **ours}, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Set WEB_WORKER_CLASS, not --worker-class: it is gevent now." in done.stderr
    assert list(folder.parent.glob(f"{folder.name}-*")) == [], "metrics of a refused start"
    folder.rmdir()


@pytest.mark.parametrize("module", ["wsgi", "celery_worker", "app.launcher.main"])
def test_nothing_but_the_web_server_is_patched(settings, module):
    look = "from gevent import monkey; assert not any(map(monkey.is_module_patched, ('socket', 'threading', 'select')))"
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; {look}"],
        cwd=PROJECT,
        env={**os.environ, "DATA_DIR": str(settings.data_dir), "AUTH": "local"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not monkey.is_module_patched("socket"), "nor is the process of the tests"


def test_a_process_that_can_open_no_more_files_lets_clients_wait(app, settings):
    with gunicorn(settings, WEB_WORKERS="1") as speaker:
        process = only_process(speaker)
        few = process.num_fds() + 5
        process.rlimit(psutil.RLIMIT_NOFILE, (few, few))
        crowd = [speaker.connect() for _ in range(20)]
        wait_until(lambda: process.num_fds() >= few, what="a process that is full")
        assert speaker(HEALTH)[0] == 200
        assert only_process(speaker) == process
        for connection in crowd:
            connection.close()


def test_a_server_that_stops_answers_all_that_it_is_asked_until_it_has_said_so(app, settings):
    with gunicorn(settings, WEB_WORKERS="1") as speaker, speaker.connect() as connection:
        connection.sendall(HEALTH)
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
        speaker.server.send_signal(signal.SIGTERM)
        said = b""
        while b"\r\nConnection: close\r\n" not in said:
            connection.sendall(HEALTH[:30])
            connection.sendall(HEALTH[30:])
            said = answer(connection)
            assert said.startswith(b"HTTP/1.1 200 ")
        assert everything(connection) == b""
        connection.close()
        assert speaker.server.wait(PATIENCE_SECONDS) == 0
