"""A PostgreSQL that has stopped answering holds nobody for ever."""

import os
import signal

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from app.connection import BoundedConnection
from app.extensions import db
from app.services import runs


def test_every_pooled_connection_is_bounded(app):
    with db.engine.connect() as connection:
        assert isinstance(connection.connection.driver_connection, BoundedConnection)


def test_a_server_that_hangs_is_given_up_and_its_connection_replaced(app, user_id):
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        backend = driver.info.backend_pid
        driver.answer_seconds = 0.2
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.raises(OperationalError, match="no answer within 0.2 s") as fault:
                connection.exec_driver_sql("SELECT 1")
        finally:
            os.kill(backend, signal.SIGCONT)
    assert fault.value.connection_invalidated
    assert runs.current(user_id) is None


def test_a_wait_with_a_bound_of_its_own_keeps_it(app):
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        with pytest.raises(psycopg.errors._WaitTimeout):
            driver.wait(_never(), timeout=0.1)


def _never():
    while True:
        yield psycopg.waiting.Wait.R
