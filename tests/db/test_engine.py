"""A PostgreSQL that has stopped answering holds nobody for ever."""

import os
import signal

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, OperationalError

from app.db.engine import BoundedConnection
from app.errors import DatabaseUnavailable
from app.extensions import db
from app.services.health.checks import READ_ONLY
from app.services.runs import queries
from tests.support.factories import sql


def test_every_pooled_connection_is_bounded(app):
    with db.engine.connect() as connection:
        assert isinstance(connection.connection.driver_connection, BoundedConnection)


def test_the_connection_used_last_is_used_next(app):
    with db.engine.connect() as first, db.engine.connect() as second:
        used = [each.connection.driver_connection for each in (first, second)]
        second.close()
        first.close()
        with db.engine.connect() as next_one:
            assert next_one.connection.driver_connection is used[0]


def test_a_server_that_hangs_is_given_up_and_its_connection_replaced(app, user_id):
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        backend = driver.info.backend_pid
        driver.answer_timeout = 0.2
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.raises(OperationalError, match="no answer within 0.2 s") as fault:
                connection.exec_driver_sql("SELECT 1")
        finally:
            os.kill(backend, signal.SIGCONT)
    assert fault.value.connection_invalidated
    assert queries.current(user_id) is None


def test_a_server_that_hangs_costs_one_wait_and_not_one_for_each_connection_of_the_pool(app, user_id):
    """All of them stop answering, but for their sockets; the first to notice speaks for the others."""
    db.engine.dispose()
    with db.engine.connect() as first, db.engine.connect() as second:
        drivers = [each.connection.driver_connection for each in (first, second)]
    backends = [driver.info.backend_pid for driver in drivers]
    for driver in drivers:
        driver.answer_timeout = 0.2
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseUnavailable) as fault:
            queries.current(user_id)
        assert fault.value.reason == "PostgreSQL: no answer within 0.2 s"
        assert queries.current(user_id) is None
        # Both places of the pool are used, and neither by what hung.
        with db.engine.connect(), db.engine.connect():
            pass
    finally:
        for backend in backends:
            os.kill(backend, signal.SIGCONT)
    assert all(driver.closed for driver in drivers)


def test_a_wait_with_a_bound_of_its_own_keeps_it(app):
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


def test_a_connection_that_was_left_in_the_middle_of_a_statement_is_replaced(app, user_id):
    db.engine.dispose()
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.pgconn.send_query(b"SELECT pg_sleep(30)")
    assert queries.current(user_id) is None
    assert driver.closed


@pytest.fixture
def read_only(app):
    """A database that may only be read, as a standby may after a failover."""
    [name] = sql("SELECT current_database() AS text")
    sql(f"ALTER DATABASE {name.text} SET default_transaction_read_only = on")
    db.engine.dispose()
    yield
    with db.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f"ALTER DATABASE {name.text} RESET default_transaction_read_only")
    db.engine.dispose()


def test_a_database_that_can_only_be_read_is_not_available_and_not_ready(client, user_id, read_only):
    assert client.get("/api/ingestion/current-run").status_code == 200
    answer = client.post("/api/ingestion/start")
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["database"]["reason"]) == (503, READ_ONLY)


def test_an_operator_is_told_of_a_database_that_can_only_be_read_in_a_sentence(flask_command, user_id, read_only):
    done = flask_command("runs", "reconcile", "--once")
    assert done.returncode == 1
    assert "Error: PostgreSQL: cannot execute UPDATE in a read-only transaction" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr


def test_a_server_that_closes_every_connection_is_not_available(app, user_id):
    def refuse(*_):
        raise DisconnectionError

    event.listen(db.engine, "checkout", refuse)
    try:
        with pytest.raises(DatabaseUnavailable, match="the outcome is unknown"):
            queries.current(user_id)
    finally:
        event.remove(db.engine, "checkout", refuse)
    assert queries.current(user_id) is None
