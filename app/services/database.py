"""One statement, one transaction: how the services reach PostgreSQL."""

from collections.abc import Callable, Iterable, Sequence
from threading import Semaphore
from typing import Any, TypeVar

import psycopg
from flask import current_app
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import ColumnElement, Engine, Executable, PoolProxiedConnection, Row, func, literal_column
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.connection import LARGE_STATEMENTS
from app.errors import DatabaseUnavailable, database_sentence
from app.extensions import db
from app.services.wording import Wording, worded

MIGRATIONS_BEHIND = "The database does not have this version's tables: run flask --app wsgi db upgrade."

Made = TypeVar("Made")

_large_turns = Semaphore(LARGE_STATEMENTS)


def run_statement(statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    """Run one statement, with these values for its parameters, as a transaction of its own. Commits.

    Returns the rows that it returned. Nothing is ever sent twice. A statement with parameters is one that is built
    once, as a constant of its module, to be asked again and again: it is put into words once, too, and its rows are
    named tuples.

    Raises DatabaseUnavailable when PostgreSQL does not answer, or not in time, cannot write (as a standby cannot), or
    has not the tables of this version.
    If the connection broke while the statement was under way, it may have been carried out all the same: whoever must
    know reads the row again.
    """
    return _run(db.engine, statement, values)


def run_large_statement(statement: Executable) -> Sequence[Row[Any]]:
    """The same for a statement that stores tens of megabytes and may take a minute. Commits.

    On a connection of its own, because its time limit is the session's; LARGE_STATEMENTS at a time, the others wait.
    """
    with _large_turns:
        return _run(current_app.extensions["large_engine"], statement, {})


def _run(engine: Engine, statement: Executable, values: dict[str, Any]) -> Sequence[Row[Any]]:
    try:
        if values:
            return _ask(engine, worded(statement), values)
        with _connected(engine.connect) as connection:
            result = connection.execute(statement)
            return result.fetchall() if result.returns_rows else []
    except (OperationalError, InterfaceError, InternalError) as error:
        raise DatabaseUnavailable(database_sentence(error)) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, (UndefinedTable, UndefinedColumn)):
            raise
        raise DatabaseUnavailable(MIGRATIONS_BEHIND) from error


def _ask(engine: Engine, wording: Wording, values: dict[str, Any]) -> Sequence[Any]:
    """The same as SQLAlchemy does with other statements, down to its errors. Raises sqlalchemy.exc.DBAPIError."""
    connection: PoolProxiedConnection | None = None
    try:
        connection = _connected(engine.raw_connection)
        driver: Any = connection.driver_connection
        return wording.ask(driver, values)
    except psycopg.Error as error:
        if connection is not None and driver.closed:
            # Those that wait in the pool have most likely ended with it. SQLAlchemy keeps this name to itself; the lock
            # file keeps SQLAlchemy, and a test shows when it changes.
            engine.pool._invalidate(connection, error)
        raise DBAPIError.instance(
            wording.text, {}, error, psycopg.Error, hide_parameters=True, dialect=engine.dialect
        ) from error
    finally:
        if connection is not None:
            connection.close()


def _connected(connect: Callable[[], Made]) -> Made:
    try:
        return connect()
    except PoolTimeout as error:
        raise DatabaseUnavailable("PostgreSQL: every connection of the pool is busy.") from error
    except InvalidRequestError as error:
        # The pool opens another connection for a dead one, once; that one was dead too.
        raise DatabaseUnavailable("PostgreSQL: it closes every connection.") from error


def words(statuses: Iterable[str]) -> list[ColumnElement[str]]:
    """Words of our own, written into the statement and not handed to it. Changes nothing.

    PostgreSQL keeps the plan of a statement that is asked often. One that knows the words may use the indexes which
    hold only the rows of these words; and SQLAlchemy need not spell out a list of parameters each time.
    """
    return [literal_column(f"'{word}'") for word in statuses]


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """That many seconds from now by the database's clock, the only one that all processes share."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
