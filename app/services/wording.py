"""Statements that are asked all the time, put into the driver's words once.

SQLAlchemy finds out anew for each execution what it knows of a statement; for one row by its key that takes three times
as long as asking PostgreSQL. Its pool, its types and its errors stay.
"""

import re
from collections import namedtuple
from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import BindParameter, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

PARAMETER = re.compile(r"%\((\w+)\)s")

_dialect: Any = PGDialect_psycopg(dbapi=PGDialect_psycopg.import_dbapi())


class Wording:
    """A statement in the driver's words: its text, what its parameters are turned into, and what its rows are."""

    def __init__(self, statement: Any) -> None:
        compiled = statement.compile(dialect=_dialect)
        binds = compiled.bind_names.items()
        own = {name: bind for bind, name in binds if not bind.required}
        literals = {name: text for name, bind in own.items() if (text := _literal(bind))}
        self.text = PARAMETER.sub(lambda found: literals.get(found[1], found[0]), str(compiled))
        if "POSTCOMPILE" in self.text:
            raise TypeError(f"how many parameters this statement has is not known before they are: {self.text}")
        writers = {name: _impl(bind.type).bind_processor(_dialect) for bind, name in binds}
        self._writers = {name: write for name, write in writers.items() if write and name not in literals}
        self._own = {name: bind.effective_value for name, bind in own.items() if name not in literals}
        columns = statement.exported_columns
        self._row: Any = namedtuple("Row", columns.keys())  # type: ignore[misc]
        readers = [_impl(column.type).result_processor(_dialect, None) for column in columns]
        self._readers = {place: read for place, read in enumerate(readers) if read}

    def ask(self, connection: psycopg.Connection[Any], values: dict[str, Any]) -> Sequence[Any]:
        """Run the statement with these values and return its rows, as named tuples. Commits, if in autocommit.

        Raises psycopg.Error.
        """
        cursor = connection.cursor()
        cursor.execute(self.text, self._written(self._own | values))
        return self._rows(cursor) if self._row._fields else []

    def _written(self, values: dict[str, Any]) -> dict[str, Any]:
        for name, write in self._writers.items():
            values[name] = write(values[name])
        return values

    def _rows(self, cursor: Any) -> Sequence[Any]:
        rows = cursor.fetchall()
        if self._readers:
            rows = [list(row) for row in rows]
            for row in rows:
                for place, read in self._readers.items():
                    row[place] = read(row[place])
        return [self._row._make(row) for row in rows]


@cache
def worded(statement: Executable) -> Wording:
    """Return the wording of a statement; both are kept for good, as constants are. Changes nothing."""
    return Wording(statement)


def _literal(bind: BindParameter[Any]) -> str | None:
    """A value of the statement's own, as PostgreSQL reads it, which then need not be handed over each time.

    None for what is no number, truth or word: of other types what SQLAlchemy writes is meant for reading only.
    """
    if not isinstance(bind.effective_value, (int, str)):
        return None
    write: Any = _impl(bind.type).literal_processor(_dialect)
    return str(write(bind.effective_value))


def _impl(kind: Any) -> Any:
    """The type as PostgreSQL and the driver have it."""
    return kind.dialect_impl(_dialect)
