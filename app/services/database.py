"""One statement, one transaction: how the services reach PostgreSQL."""

from collections.abc import Sequence
from threading import Semaphore
from typing import Any

from flask import current_app
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import ColumnElement, Connection, Engine, Executable, Row, func
from sqlalchemy.exc import InterfaceError, InternalError, InvalidRequestError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.connection import LARGE_STATEMENTS
from app.errors import DatabaseUnavailable, database_sentence
from app.extensions import db

MIGRATIONS_BEHIND = "The database does not have this version's tables: run flask --app wsgi db upgrade."

_large_turns = Semaphore(LARGE_STATEMENTS)


def run_statement(statement: Executable) -> Sequence[Row[Any]]:
    """Run one statement as a transaction of its own and return the rows it returned. Commits.

    The connection is in autocommit, which saves BEGIN and COMMIT their round trips. Nothing is ever sent twice.

    Raises DatabaseUnavailable when PostgreSQL does not answer, or not in time, cannot write (as a standby cannot), or
    has not the tables of this version.
    If the connection broke while the statement was under way, it may have been carried out all the same: whoever must
    know reads the row again.
    """
    return _run(db.engine, statement)


def run_large_statement(statement: Executable) -> Sequence[Row[Any]]:
    """The same for a statement that stores tens of megabytes and may take a minute. Commits.

    On a connection of its own, because its time limit is the session's; LARGE_STATEMENTS at a time, the others wait.
    """
    with _large_turns:
        return _run(current_app.extensions["large_engine"], statement)


def _run(engine: Engine, statement: Executable) -> Sequence[Row[Any]]:
    try:
        with _connected(engine) as connection:
            result = connection.execute(statement)
            return result.fetchall() if result.returns_rows else []
    except (OperationalError, InterfaceError, InternalError) as error:
        raise DatabaseUnavailable(database_sentence(error)) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, (UndefinedTable, UndefinedColumn)):
            raise
        raise DatabaseUnavailable(MIGRATIONS_BEHIND) from error


def _connected(engine: Engine) -> Connection:
    try:
        return engine.execution_options(isolation_level="AUTOCOMMIT").connect()
    except PoolTimeout as error:
        raise DatabaseUnavailable("PostgreSQL: every connection of the pool is busy.") from error
    except InvalidRequestError as error:
        # The pool opens another connection for a dead one, once; that one was dead too.
        raise DatabaseUnavailable("PostgreSQL: it closes every connection.") from error


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """That many seconds from now by the database's clock, the only one that all processes share."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
