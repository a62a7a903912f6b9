"""The clock of the product: one SQL function, which tests and drills may replace to shift all times."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

NOW = func.clock_now()


def seconds_from_now(seconds: float | ColumnElement[Any]) -> ColumnElement[Any]:
    """Build the SQL for the time this many seconds from now, by PostgreSQL's clock, which all processes share."""
    return NOW + func.make_interval(*[literal_column("0")] * 6, seconds)
