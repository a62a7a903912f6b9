"""Connections to PostgreSQL that neither wait for ever nor come dead out of the pool."""

import select
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from app.config import ANSWER_SECONDS


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


def init_engine(engine: Engine) -> None:
    """Make every connection of this engine a bounded one, and look at it whenever the pool hands it out."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkout", _refuse_dead)


def _connect(_dialect: Any, _record: Any, words: Any, settings: Any) -> BoundedConnection:
    return BoundedConnection.connect(*words, **settings)


def _refuse_dead(connection: BoundedConnection, _record: Any, _proxy: Any) -> None:
    """Refuse a connection that PostgreSQL has closed, as it has all of them after its restart; the pool opens another.

    An idle connection has nothing to read until its end is there to be read. Looking costs a system call, where asking
    PostgreSQL costs a round trip; and what is found out before a statement is sent leaves no doubt about its outcome.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
