"""Connections to PostgreSQL that neither wait for ever nor come dead out of the pool."""

import select
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.exc import DisconnectionError

SPARE_CONNECTIONS = 2
"""Connections of a process beyond one for each thread."""

LOCK_SECONDS = 3
"""How long a statement waits for a row that somebody else holds."""

STATEMENT_SECONDS = 5
"""How long PostgreSQL works on a statement of a request before it gives up."""

ANSWER_SECONDS = 7
"""How long we wait for PostgreSQL itself; more than STATEMENT_SECONDS, so that only one that hangs comes to this."""


LARGE_STATEMENT_SECONDS = 60
"""The same of a statement that stores tens of megabytes, for which no request waits."""

LARGE_STATEMENTS = 2
"""How many of these a process runs at a time, each on a connection of its own; more would only slow each other down."""

ONE_STATEMENT_EACH: dict[str, Any] = {
    # A statement is a transaction of its own: BEGIN and COMMIT would cost a round trip each.
    "isolation_level": "AUTOCOMMIT",
    # So there is never anything to take back, neither after a statement nor when a connection returns to its pool.
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server which has stopped answering.

    PostgreSQL's own time limits end what it works on too long; they do nothing when it does not run at all (stopped,
    swapped out, cut off). Migrations set ``answer_seconds`` to None.
    """

    answer_seconds: float | None = ANSWER_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; raises OperationalError, and closes the connection, if there is none in time."""
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        # psycopg keeps this name to itself; the lock file keeps psycopg, and a test shows when it changes.
        except psycopg.errors._WaitTimeout as error:
            if timeout is not None:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.answer_seconds} s") from error


class PatientConnection(BoundedConnection):
    """One for large statements."""

    answer_seconds = LARGE_STATEMENT_SECONDS + ANSWER_SECONDS - STATEMENT_SECONDS


def engine_options(threads: int) -> dict[str, Any]:
    """How SQLAlchemy keeps the connections of a process with that many threads."""
    return {
        # A thread holds one connection at most, so nobody waits for one; a few more are for the health checks.
        "pool_size": threads,
        # One server process of PostgreSQL that is warm answers sooner than many that take turns.
        "pool_use_lifo": True,
        # What a statement was given, hashes among it, is nothing for the log.
        "hide_parameters": True,
        "max_overflow": SPARE_CONNECTIONS,
        "pool_timeout": 3,
        "connect_args": _session(STATEMENT_SECONDS),
        **ONE_STATEMENT_EACH,
    }


def large_engine(engine: Engine) -> Engine:
    """One to the same database for large statements, whose connections live no longer than that."""
    large = create_engine(
        engine.url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_session(LARGE_STATEMENT_SECONDS),
        **ONE_STATEMENT_EACH,
    )
    event.listen(large, "do_connect", _connect_patiently)
    return large


def init_engine(engine: Engine) -> None:
    """Make every connection of this engine a bounded one, and look at it whenever the pool hands it out."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _refuse_dead)


def _session(statement_seconds: int) -> dict[str, Any]:
    return {
        "connect_timeout": 3,
        "application_name": "job-ingestion",
        # A peer that vanished without a word is noticed within about 15 seconds.
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "options": f"-c statement_timeout={statement_seconds}s -c lock_timeout={LOCK_SECONDS}s"
        " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
    }


def _connect_patiently(_dialect: Any, _record: Any, words: Any, settings: Any) -> BoundedConnection:
    return PatientConnection.connect(*words, **settings)


def _connect(_dialect: Any, _record: Any, words: Any, settings: Any) -> BoundedConnection:
    return BoundedConnection.connect(*words, **settings)


def _refuse_dead(connection: BoundedConnection, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that PostgreSQL has closed, as it has all of them after its restart; the pool opens another.

    An idle connection has nothing to read until its end is there to be read. Looking costs a system call, where asking
    PostgreSQL costs a round trip; and what is found out before a statement is sent leaves no doubt about its outcome.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise DisconnectionError  # whoever had it left in the middle of a statement
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
