"""One statement, one transaction: how the services reach PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import ColumnElement, Executable, Row, func
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import DatabaseUnavailable, database_sentence
from app.extensions import db

MIGRATIONS_BEHIND = "The database does not have this version's tables: run flask --app wsgi db upgrade."


def run_statement(statement: Executable) -> Sequence[Row[Any]]:
    """Run one statement as a transaction of its own and return the rows it returned. Commits.

    The connection is in autocommit, which saves BEGIN and COMMIT their round trips. Nothing is ever sent twice.

    Raises DatabaseUnavailable when PostgreSQL does not answer, or not in time, or has not the tables of this version.
    If the connection broke while the statement was under way, it may have been carried out all the same: whoever must
    know reads the row again.
    """
    autocommit = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with autocommit.connect() as connection:
            result = connection.execute(statement)
            return result.fetchall() if result.returns_rows else []
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(database_sentence(error)) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, (UndefinedTable, UndefinedColumn)):
            raise
        raise DatabaseUnavailable(MIGRATIONS_BEHIND) from error
    except PoolTimeout as error:
        raise DatabaseUnavailable("PostgreSQL: every connection of the pool is busy.") from error


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """That many seconds from now by the database's clock, the only one that all processes share."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
