"""Clock: one SQL function gives all times of the product, so that all processes and machines share them.

Tests and drills shift the clock by replacing the function (``tests/support/clock.py``). So no statement may use another
clock of PostgreSQL, and no time of Python's clock may be stored or compared with a stored one.
"""

from typing import Any

from sqlalchemy import ColumnElement, DateTime, Interval, func, literal_column

NOW = func.clock_now(type_=DateTime(timezone=True))
"""The SQL for the time now. PostgreSQL inlines the function, so it costs no call.

It is volatile: each use in a statement, and each row, has its own, later time. If several columns or rows must get the
same time, select it once in a CTE. If a condition must be searched in an index, write it as
``select(NOW).scalar_subquery()``: PostgreSQL searches an index only for a value that is the same for every row."""


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """Build the SQL for the time this many seconds from now. It is volatile, as ``NOW`` is."""
    return NOW + func.make_interval(*[literal_column("0")] * 6, seconds, type_=Interval)
