"""Execute one statement as one transaction: the only way from a service to PostgreSQL."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from flask import current_app
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import ColumnElement, Connection, Executable, Row, literal_column
from sqlalchemy.exc import InterfaceError, InternalError, InvalidRequestError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.concurrency.fair_semaphore import FairSemaphore
from app.db.engine import LONG_STATEMENT_TIMEOUT, POOL_TIMEOUT, RESPONSE_TIMEOUT, STATEMENT_TIMEOUT
from app.errors import DatabaseUnavailable, describe_database_error
from app.extensions import db

MIGRATIONS_BEHIND = "The database does not have this version's tables: run flask --app wsgi db upgrade."

POOL_EXHAUSTED = "All PostgreSQL connections of this process are in use."


def run_statement(statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    """Execute one statement with these parameters, as a transaction of its own, and return its rows. Commits.

    No statement is ever sent twice. Statements with parameters are built once, as constants: building one costs as much
    as executing it.

    Raises DatabaseUnavailable if PostgreSQL does not answer in time, cannot write (a standby), or lacks the tables of
    this version. If the connection broke during the statement, its outcome is unknown; a caller that needs it reads
    the row again.
    """
    return _run(statement, values, _connect)


def run_long_statement(statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    """Execute a statement that may take LONG_STATEMENT_TIMEOUT. Commits. No request may wait for one.

    It uses one connection of the pool, as any statement does. Returns and raises what ``run_statement`` does.
    """
    return _run(statement, values, _connect_for_long)


def _run(
    statement: Executable, values: dict[str, Any], connect: Callable[[], AbstractContextManager[Connection]]
) -> Sequence[Row[Any]]:
    # Fair, unlike SQLAlchemy's queue: with greenlets a busy client would keep its connection until others time out.
    slots: FairSemaphore = current_app.extensions["connection_slots"]
    if not slots.acquire(POOL_TIMEOUT):
        raise DatabaseUnavailable(POOL_EXHAUSTED)
    try:
        return _execute(statement, values, connect)
    finally:
        slots.release()


def _execute(
    statement: Executable, values: dict[str, Any], connect: Callable[[], AbstractContextManager[Connection]]
) -> Sequence[Row[Any]]:
    try:
        with connect() as connection:
            result = connection.execute(statement, values or None)
            return result.fetchall() if result.returns_rows else []
    except (OperationalError, InterfaceError, InternalError) as error:
        raise DatabaseUnavailable(describe_database_error(error)) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, (UndefinedTable, UndefinedColumn)):
            raise
        raise DatabaseUnavailable(MIGRATIONS_BEHIND) from error


def _connect() -> Connection:
    try:
        return db.engine.connect()
    except PoolTimeout as error:
        raise DatabaseUnavailable(POOL_EXHAUSTED) from error
    except InvalidRequestError as error:
        # The pool replaced a dead connection, and the replacement was dead, too.
        raise DatabaseUnavailable("PostgreSQL closes every new connection.") from error


@contextmanager
def _connect_for_long() -> Iterator[Connection]:
    """Lend a connection with longer timeouts. It returns to the pool with its own, or not at all."""
    with _connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            connection.exec_driver_sql(f"SET statement_timeout = '{LONG_STATEMENT_TIMEOUT}s'")
            driver.response_timeout = LONG_STATEMENT_TIMEOUT + RESPONSE_TIMEOUT - STATEMENT_TIMEOUT
            yield connection
        finally:
            driver.response_timeout = RESPONSE_TIMEOUT
            _reset_timeout(connection)


def _reset_timeout(connection: Connection) -> None:
    if connection.invalidated:
        return
    try:
        connection.exec_driver_sql("RESET statement_timeout")
    except BaseException:
        # The pool opens another one in its place.
        connection.invalidate()
        raise


def inline_literals(values: Iterable[str]) -> list[ColumnElement[str]]:
    """Return values as literals in the statement's text instead of parameters. Only for constants, never for input.

    PostgreSQL keeps one generic plan of a statement that is executed often. That plan can use a partial index only if
    the text of the statement contains the values in the index's condition.
    """
    return [literal_column(f"'{value}'") for value in values]
