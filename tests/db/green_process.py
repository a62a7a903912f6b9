"""A process patched by gevent, like the web server's, whose PostgreSQL hangs and then closes its connections.

Prints a line for each property that held: ``python -m gevent.monkey --module tests.db.green_process URL``.
"""

import os
import signal
import sys

import gevent
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from app.db.engine import engine_options, init_engine

RESTARTS = 50


def hang(engine: Engine) -> None:
    """Freeze a server process: its connection is closed after the timeout, and other greenlets run until then."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.response_timeout = 0.5
        backend = driver.info.backend_pid
        others = gevent.spawn(_sleep_three_times)
        os.kill(backend, signal.SIGSTOP)
        try:
            connection.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            print(error.orig)
        finally:
            os.kill(backend, signal.SIGCONT)
        print("other greenlets ran:", others.ready())


def restart(engine: Engine) -> None:
    """Terminate a connection of the pool again and again: no statement uses a dead connection."""
    for _ in range(RESTARTS):
        with engine.connect() as connection, engine.connect() as other:
            backend = connection.connection.driver_connection.info.backend_pid
            other.exec_driver_sql("SELECT pg_terminate_backend(%s, 60000)", (backend,))
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    print("no statement used a dead connection")


def _sleep_three_times() -> None:
    for _ in range(3):
        gevent.sleep(0.01)


if __name__ == "__main__":
    patched_engine = create_engine(sys.argv[1], **engine_options(2))
    init_engine(patched_engine)
    hang(patched_engine)
    restart(patched_engine)
