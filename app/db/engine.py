"""Connections to PostgreSQL that never wait without a timeout, and a pool that never hands out a dead one."""

import select
import threading
import time
from typing import Any

import gevent.socket
import psycopg
from gevent.monkey import get_original
from psycopg.pq import TransactionStatus
from psycopg.waiting import Wait
from sqlalchemy import Engine, QueuePool, event
from sqlalchemy.exc import DisconnectionError

from app.concurrency.fair_semaphore import FairSemaphore
from app.concurrency.greenlets import runs_on_gevent, time_limit

SPARE_CONNECTIONS = 2
"""Connections of a process in addition to the configured number."""

CONNECT_TIMEOUT = 6
"""Seconds that opening a connection may take, the look-up of the server's name included."""

POOL_TIMEOUT = 3
"""Seconds that a statement waits for a free connection."""

LOCK_TIMEOUT = 3
"""Seconds that a statement waits for a lock."""

STATEMENT_TIMEOUT = 5
"""Seconds after which PostgreSQL cancels an ordinary statement."""

RESPONSE_TIMEOUT = 7
"""Seconds after which a connection whose server does not answer is closed. Longer than STATEMENT_TIMEOUT, so only a
PostgreSQL that hangs causes it."""

LONG_STATEMENT_TIMEOUT = 60
"""Seconds after which PostgreSQL cancels the statement that stores a listing. No request waits for one."""


# The original poll: gevent's could switch greenlets here. It is only called with a timeout of 0.
_poll = get_original("select", "poll")

WAIT_FOR = {
    Wait.R: gevent.socket.wait_read,
    Wait.W: gevent.socket.wait_write,
    Wait.RW: gevent.socket.wait_readwrite,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes itself if the server stops answering.

    PostgreSQL's own timeouts have no effect while the server does not run at all (stopped, swapped out, cut off).
    Migrations set ``response_timeout`` to None.
    """

    response_timeout: float | None = RESPONSE_TIMEOUT

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for a response. If there is none in time, close the connection and raise OperationalError."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            if runs_on_gevent():
                return self._wait_on_hub(gen)
            return super().wait(gen, interval, self.response_timeout)
        except psycopg.OperationalError as error:
            # Only a timeout leaves the statement active; any other error has ended it.
            if self.info.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.close()
            raise psycopg.OperationalError(f"no response within {self.response_timeout} s") from error

    def _wait_on_hub(self, gen: Any) -> Any:
        """Wait as psycopg does, but by gevent's own functions: its ``poll`` costs three times as much."""
        deadline_at = time.monotonic() + (self.response_timeout or threading.TIMEOUT_MAX)
        try:
            wanted = next(gen)
            while True:
                WAIT_FOR[wanted](self.fileno(), deadline_at - time.monotonic(), psycopg.OperationalError("timeout"))
                wanted = gen.send(wanted)
        except StopIteration as end:
            return end.value


def engine_options(connections: int) -> dict[str, Any]:
    """Return SQLAlchemy's options for the engine of a process with this many connections."""
    return {
        "pool_size": connections + SPARE_CONNECTIONS,
        # Reuse the most recent connection: its server process has warm caches.
        "pool_use_lifo": True,
        # Parameters may be secrets, such as password hashes; they do not belong in the log.
        "hide_parameters": True,
        # Overflow connections would be closed after each use.
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT,
        # Each statement is a transaction: BEGIN and COMMIT would cost a round trip each.
        "isolation_level": "AUTOCOMMIT",
        # So there is nothing to roll back, neither after a statement nor when a connection returns to its pool.
        "skip_autocommit_rollback": True,
        "pool_reset_on_return": None,
        "connect_args": _connect_args(),
    }


def init_engine(engine: Engine) -> None:
    """Make the engine open bounded connections, and check each one before the pool hands it out."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _refuse_dead)


def make_connection_slots(engine: Engine, at_most: int | None = None) -> FairSemaphore:
    """Return a fair limit with one slot for each connection of the engine's pool, or with ``at_most`` slots."""
    assert isinstance(engine.pool, QueuePool)
    size = engine.pool.size()
    return FairSemaphore(size if at_most is None else min(size, at_most))


def _connect_args() -> dict[str, Any]:
    return {
        "connect_timeout": 3,
        "application_name": "job-ingestion",
        # A peer that vanished without closing is detected within about 15 s.
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        # Statements have a constant shape and are written for one plan. Without a generic plan, PostgreSQL plans some
        # of them anew each time: the claim of a board then takes 2.2 instead of 1.2 ms.
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={LOCK_TIMEOUT}s"
        " -c idle_in_transaction_session_timeout=30s -c timezone=UTC -c plan_cache_mode=force_generic_plan",
    }


def _connect(_dialect: Any, _record: Any, cargs: Any, cparams: Any) -> BoundedConnection:
    # psycopg's connect_timeout begins only after the server's name has been resolved.
    try:
        with time_limit(CONNECT_TIMEOUT):
            return BoundedConnection.connect(*cargs, **cparams)
    except TimeoutError as error:
        raise psycopg.OperationalError(f"no connection within {CONNECT_TIMEOUT} s") from error


def _refuse_dead(connection: BoundedConnection, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that PostgreSQL has closed, as a restart closes all of them. The pool then opens another.

    On an idle connection there is nothing to read except its end. Polling costs a system call; a query would cost a
    round trip. No statement has been sent yet, so there is no doubt about its outcome.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise DisconnectionError  # abandoned in the middle of a statement
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
