"""Execute one statement as one transaction: the only way from a service to PostgreSQL."""

from collections.abc import Iterable, Sequence
from threading import Semaphore
from typing import Any

from flask import current_app
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import ColumnElement, Connection, Engine, Executable, Row, func, literal_column
from sqlalchemy.exc import InterfaceError, InternalError, InvalidRequestError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.concurrency.fair_limit import FairLimit
from app.db.engine import MAX_LARGE_STATEMENTS, POOL_TIMEOUT
from app.errors import DatabaseUnavailable, describe_database_error
from app.extensions import db

MIGRATIONS_BEHIND = "The database does not have this version's tables: run flask --app wsgi db upgrade."

_large_statements = Semaphore(MAX_LARGE_STATEMENTS)


def run_statement(statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    """Execute one statement, with these values for its parameters, as a transaction of its own. Commits.

    Returns the rows that it returned. Nothing is ever sent twice. A statement with parameters is a constant of its
    module, because building one costs as much as executing it.

    Raises DatabaseUnavailable when PostgreSQL does not answer, or not in time, cannot write (as a standby cannot), or
    lacks the tables of this version. If the connection broke under the statement, its outcome is open: whoever must
    know it reads the row again.
    """
    # Whoever has waited longest is next. SQLAlchemy's queue does not promise that: on greenlets a busy client keeps
    # its connection until some of two hundred others are refused.
    turns: FairLimit = current_app.extensions["database_turns"]
    if not turns.acquire(POOL_TIMEOUT):
        raise DatabaseUnavailable("PostgreSQL: every connection of the pool is busy.")
    try:
        return _run(db.engine, statement, values)
    finally:
        turns.release()


def run_large_statement(statement: Executable) -> Sequence[Row[Any]]:
    """Execute a statement that stores tens of megabytes and may take a minute. Commits.

    It has a connection of its own, because its time limit is the session's. At most MAX_LARGE_STATEMENTS run at a time,
    the others wait. Returns and raises as ``run_statement`` does.
    """
    with _large_statements:
        return _run(current_app.extensions["large_engine"], statement, {})


def _run(engine: Engine, statement: Executable, values: dict[str, Any]) -> Sequence[Row[Any]]:
    try:
        with _connect(engine) as connection:
            result = connection.execute(statement, values or None)
            return result.fetchall() if result.returns_rows else []
    except (OperationalError, InterfaceError, InternalError) as error:
        raise DatabaseUnavailable(describe_database_error(error)) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, (UndefinedTable, UndefinedColumn)):
            raise
        raise DatabaseUnavailable(MIGRATIONS_BEHIND) from error


def _connect(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except PoolTimeout as error:
        raise DatabaseUnavailable("PostgreSQL: every connection of the pool is busy.") from error
    except InvalidRequestError as error:
        # The pool replaces a dead connection; the replacement was dead too.
        raise DatabaseUnavailable("PostgreSQL: it closes every connection.") from error


def inline_literals(words: Iterable[str]) -> list[ColumnElement[str]]:
    """Write words of ours into the text of a statement, where values would be parameters. Not for what a user sent.

    PostgreSQL keeps one plan of a statement that is executed often. Only if it knows the words may that plan use the
    indexes which hold just the rows of these words.
    """
    return [literal_column(f"'{word}'") for word in words]


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the SQL of that many seconds from now by the database's clock, which all processes share."""
    return func.clock_timestamp() + func.make_interval(*[literal_column("0")] * 6, seconds)
