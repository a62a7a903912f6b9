"""A clock that tests and drills shift: the SQL function ``clock_now()``, which gives all times of the product."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.factories import sql

DEFINITION = (
    "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS"
    " $$ SELECT clock_timestamp(){} $$"
)
"""The function of the migration ``clock``, with room for a shift."""

Execute = Callable[[str], Any]
"""Executes one statement and commits it: ``sql`` of a test, or ``execute`` of a psycopg connection with autocommit."""


def shift_clock(seconds: float, execute: Execute = sql) -> None:
    """Set the product's clock this many seconds ahead of PostgreSQL's; a second shift replaces the first. Commits.

    Statements that begin later follow it, also prepared ones: PostgreSQL plans them anew.
    """
    execute(DEFINITION.format(f" + make_interval(secs => {float(seconds)!r})"))


def restore_clock(execute: Execute = sql) -> None:
    """Set the product's clock to PostgreSQL's again. Commits."""
    execute(DEFINITION.format(""))


@contextmanager
def shifted_clock(seconds: float, execute: Execute = sql) -> Iterator[None]:
    """Shift the product's clock within the block."""
    shift_clock(seconds, execute)
    try:
        yield
    finally:
        restore_clock(execute)
