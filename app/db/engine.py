"""Connections to PostgreSQL that never wait without a limit and never come dead out of the pool."""

import select
import threading
import time
from typing import Any

import gevent.socket
import psycopg
from gevent.monkey import get_original
from psycopg.pq import TransactionStatus
from psycopg.waiting import Wait
from sqlalchemy import Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import DisconnectionError

from app.concurrency.fair_semaphore import FairSemaphore
from app.concurrency.greenlets import runs_on_gevent, time_limit

SPARE_CONNECTIONS = 2
"""Connections of a process beyond those that are set."""

CONNECT_TIMEOUT = 6
"""Seconds until a connection must be there, the look-up of the server's name included."""

POOL_TIMEOUT = 3
"""Seconds that a statement waits for a connection."""

LOCK_TIMEOUT = 3
"""Seconds that a statement waits for a row which another one has locked."""

STATEMENT_TIMEOUT = 5
"""Seconds after which PostgreSQL cancels a statement of a request."""

ANSWER_TIMEOUT = 7
"""Seconds until we give up a PostgreSQL that does not answer. Longer than STATEMENT_TIMEOUT, so only one that hangs is
given up."""

LARGE_STATEMENT_TIMEOUT = 60
"""Seconds after which PostgreSQL cancels a statement that stores tens of megabytes, for which no request waits."""

MAX_LARGE_STATEMENTS = 2
"""Large statements of a process at a time, each on a connection of its own; more would only slow each other down."""

ONE_STATEMENT_EACH: dict[str, Any] = {
    # A statement is a transaction of its own: BEGIN and COMMIT would cost a round trip each.
    "isolation_level": "AUTOCOMMIT",
    # So nothing needs a rollback, neither after a statement nor when a connection returns to its pool.
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
}


# gevent's own lets other greenlets run, which would keep a connection from them meanwhile; this one waits for nothing.
_poll = get_original("select", "poll")


WAIT_FOR = {
    Wait.R: gevent.socket.wait_read,
    Wait.W: gevent.socket.wait_write,
    Wait.RW: gevent.socket.wait_readwrite,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server which has stopped answering.

    PostgreSQL's own time limits do nothing while it does not run at all (stopped, swapped out, cut off). Migrations set
    ``answer_timeout`` to None.
    """

    answer_timeout: float | None = ANSWER_TIMEOUT

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; raises OperationalError, and closes the connection, if there is none in time."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            if runs_on_gevent():
                return self._wait_on_hub(gen)
            return super().wait(gen, interval, self.answer_timeout)
        except psycopg.OperationalError as error:
            # Whatever else fails ends the statement; only a wait that ran out leaves it under way.
            if self.info.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.answer_timeout} s") from error

    def _wait_on_hub(self, gen: Any) -> Any:
        """Wait as psycopg does, by gevent's own functions; its poll in place of the standard one costs three times as
        much."""
        ends_at = time.monotonic() + (self.answer_timeout or threading.TIMEOUT_MAX)
        try:
            wanted = next(gen)
            while True:
                WAIT_FOR[wanted](self.fileno(), ends_at - time.monotonic(), psycopg.OperationalError("timeout"))
                wanted = gen.send(wanted)
        except StopIteration as end:
            return end.value


class LargeStatementConnection(BoundedConnection):
    """A connection for large statements."""

    answer_timeout = LARGE_STATEMENT_TIMEOUT + ANSWER_TIMEOUT - STATEMENT_TIMEOUT


def engine_options(connections: int) -> dict[str, Any]:
    """Return SQLAlchemy's options for a process that is to have this many connections."""
    return {
        "pool_size": connections + SPARE_CONNECTIONS,
        # One server process of PostgreSQL that is warm answers sooner than many that take turns.
        "pool_use_lifo": True,
        # Parameters, hashes among them, do not belong in the log.
        "hide_parameters": True,
        # Those beyond the size would be closed after each use.
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT,
        "connect_args": _session(STATEMENT_TIMEOUT),
        **ONE_STATEMENT_EACH,
    }


def large_engine(engine: Engine) -> Engine:
    """Return an engine to the same database for large statements, with a new connection for each."""
    large = create_engine(
        engine.url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_session(LARGE_STATEMENT_TIMEOUT),
        **ONE_STATEMENT_EACH,
    )
    event.listen(large, "do_connect", _connect_large)
    return large


def init_engine(engine: Engine) -> None:
    """Make every connection of this engine a bounded one, checked whenever the pool hands it out."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _refuse_dead)


def make_turns(engine: Engine) -> FairSemaphore:
    """Return the places at this engine's pool, one for each connection."""
    assert isinstance(engine.pool, QueuePool)
    return FairSemaphore(engine.pool.size())


def _session(statement_timeout: int) -> dict[str, Any]:
    return {
        "connect_timeout": 3,
        "application_name": "job-ingestion",
        # A peer that vanished without a word is noticed within about 15 seconds.
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "options": f"-c statement_timeout={statement_timeout}s -c lock_timeout={LOCK_TIMEOUT}s"
        " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
    }


def _connect_large(_dialect: Any, _record: Any, words: Any, settings: Any) -> BoundedConnection:
    return LargeStatementConnection.connect(*words, **settings)


def _connect(_dialect: Any, _record: Any, words: Any, settings: Any) -> BoundedConnection:
    # psycopg's connect_timeout begins when the server's name has been resolved.
    try:
        with time_limit(CONNECT_TIMEOUT):
            return BoundedConnection.connect(*words, **settings)
    except TimeoutError as error:
        raise psycopg.OperationalError(f"no connection within {CONNECT_TIMEOUT} s") from error


def _refuse_dead(connection: BoundedConnection, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that PostgreSQL has closed, as a restart closes them all; the pool then opens another.

    An idle connection has nothing to read until its end can be read. Polling costs a system call, a query would cost a
    round trip; and a connection refused before a statement was sent leaves no doubt about its outcome.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise DisconnectionError  # abandoned in the middle of a statement
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
