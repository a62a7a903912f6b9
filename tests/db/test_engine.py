"""The engine: a PostgreSQL that does not answer blocks no caller for ever."""

import os
import signal

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, OperationalError

from app.config.validators import connect_arguments
from app.db.engine import BoundedConnection, make_connection_slots
from app.errors import DatabaseUnavailable
from app.extensions import db
from app.services.health.checks import READ_ONLY
from app.services.runs import queries
from tests.support.factories import sql
from tests.support.parallel import in_parallel
from tests.support.waiting import wait_until


def test_pool_opens_bounded_connections(app):
    with db.engine.connect() as connection:
        assert isinstance(connection.connection.driver_connection, BoundedConnection)


def test_pool_hands_out_the_connection_used_last(app):
    with db.engine.connect() as first, db.engine.connect() as second:
        used_last = first.connection.driver_connection
        second.close()
        first.close()
        with db.engine.connect() as third:
            assert third.connection.driver_connection is used_last


def test_connection_slots_may_be_fewer_than_the_connections(app):
    slots = make_connection_slots(db.engine, at_most=2)
    assert [slots.acquire(timeout=0) for _ in range(3)] == [True, True, False]
    all_slots = make_connection_slots(db.engine, at_most=10_000)
    assert [all_slots.acquire(timeout=0) for _ in range(db.engine.pool.size() + 1)].count(True) == db.engine.pool.size()


def test_connection_to_a_hanging_server_is_closed_and_replaced(app, user_id):
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        backend = driver.info.backend_pid
        driver.response_timeout = 0.2
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.raises(OperationalError, match="no response within 0.2 s") as fault:
                connection.exec_driver_sql("SELECT 1")
        finally:
            os.kill(backend, signal.SIGCONT)
    assert fault.value.connection_invalidated
    assert queries.current(user_id) is None


def test_pool_to_a_hanging_server_costs_one_timeout_in_all(app, user_id):
    """Every server process is frozen, but the sockets stay open. The first timeout invalidates the whole pool."""
    db.engine.dispose()
    with db.engine.connect() as first, db.engine.connect() as second:
        drivers = [each.connection.driver_connection for each in (first, second)]
    backends = [driver.info.backend_pid for driver in drivers]
    for driver in drivers:
        driver.response_timeout = 0.2
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseUnavailable) as fault:
            queries.current(user_id)
        assert fault.value.reason == "PostgreSQL: no response within 0.2 s"
        assert queries.current(user_id) is None
        # The pool can open two connections, so no hanging one still occupies it.
        with db.engine.connect(), db.engine.connect():
            pass
    finally:
        for backend in backends:
            os.kill(backend, signal.SIGCONT)
    assert all(driver.closed for driver in drivers)


def test_wait_keeps_the_timeout_of_its_caller(app):
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.pgconn.send_query(b"SELECT pg_sleep(30)")
        with pytest.raises(psycopg.OperationalError):
            driver.wait(_never(), timeout=0.1)
        assert not driver.closed
        connection.invalidate()


def _never():
    while True:
        yield psycopg.waiting.Wait.R


def test_connection_left_in_the_middle_of_a_statement_is_replaced(app, user_id):
    db.engine.dispose()
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.pgconn.send_query(b"SELECT pg_sleep(30)")
    assert queries.current(user_id) is None
    assert driver.closed


@pytest.fixture
def read_only(app):
    """A read-only database, like a standby after a failover."""
    [name] = sql("SELECT current_database() AS text")
    sql(f"ALTER DATABASE {name.text} SET default_transaction_read_only = on")
    db.engine.dispose()
    yield
    with db.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f"ALTER DATABASE {name.text} RESET default_transaction_read_only")
    db.engine.dispose()


def test_read_only_database_is_unavailable_and_not_ready(client, user_id, read_only):
    assert client.get("/api/ingestion/current-run").status_code == 200
    response = client.post("/api/ingestion/start")
    assert (response.status_code, response.json["code"]) == (503, "database_unavailable")
    response = client.get("/readyz")
    assert (response.status_code, response.json["checks"]["database"]["reason"]) == (503, READ_ONLY)


def test_read_only_database_is_one_sentence_at_the_command_line(flask_command, user_id, read_only):
    done = flask_command("runs", "reconcile", "--once")
    assert done.returncode == 1
    assert "Error: PostgreSQL: cannot execute UPDATE in a read-only transaction" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_server_that_closes_every_connection_is_unavailable(app, user_id):
    def refuse(*_):
        raise DisconnectionError

    event.listen(db.engine, "checkout", refuse)
    try:
        with pytest.raises(DatabaseUnavailable, match="the outcome is unknown") as fault:
            queries.current(user_id)
        assert fault.value.reason == "PostgreSQL closes every new connection."
    finally:
        event.remove(db.engine, "checkout", refuse)
    assert queries.current(user_id) is None


def test_connections_cut_by_the_server_are_replaced_without_an_error(app, settings, user_id):
    """Every pooled connection is dead, as after a restart of PostgreSQL, but no caller gets an error."""
    ours = "FROM pg_stat_activity WHERE application_name = 'job-ingestion'"
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as other:
        for _ in range(3):
            in_parallel(app, *[lambda: queries.current(user_id)] * 4)
            other.execute(f"SELECT pg_terminate_backend(pid) {ours}")
            wait_until(lambda: not other.execute(f"SELECT 1 {ours}").fetchall(), what="their end")
            assert in_parallel(app, *[lambda: queries.current(user_id)] * 4) == [None] * 4
