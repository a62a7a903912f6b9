"""A process patched by gevent, as a web server's is, whose PostgreSQL hangs and then closes its connections.

Prints a line for each thing that held: ``python -m gevent.monkey --module tests.db.green_process URL``.
"""

import os
import signal
import sys

import gevent
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from app.db.engine import engine_options, init_engine

OFTEN = 50


def hang(engine: Engine) -> None:
    """A server process hangs: its connection is given up, and other greenlets run meanwhile."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.answer_timeout = 0.5
        backend = driver.info.backend_pid
        turns = gevent.spawn(_take_turns)
        os.kill(backend, signal.SIGSTOP)
        try:
            connection.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            print(error.orig)
        finally:
            os.kill(backend, signal.SIGCONT)
        print("others had their turns:", turns.ready())


def restart(engine: Engine) -> None:
    """PostgreSQL ends every connection of the pool, again and again; no statement meets a dead one."""
    for _ in range(OFTEN):
        with engine.connect() as connection, engine.connect() as other:
            backend = connection.connection.driver_connection.info.backend_pid
            other.exec_driver_sql("SELECT pg_terminate_backend(%s, 60000)", (backend,))
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    print("no statement met a dead connection")


def _take_turns() -> None:
    for _ in range(3):
        gevent.sleep(0.01)


if __name__ == "__main__":
    its_engine = create_engine(sys.argv[1], **engine_options(2))
    init_engine(its_engine)
    hang(its_engine)
    restart(its_engine)
