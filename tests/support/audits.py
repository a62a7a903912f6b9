"""The audits of the drills, on the database of the suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import current_app

from app.config.validators import connect_arguments
from tests.faults import board_audit, run_audit, write_record


@contextmanager
def connected() -> Iterator["psycopg.Connection[Any]"]:
    """Connect to the database of the current application inside this block, each statement with its own commit."""
    settings = current_app.config["SETTINGS"]
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as connection:
        yield connection


@contextmanager
def recorded() -> Iterator["psycopg.Connection[Any]"]:
    """Record all writes inside this block, and yield a connection to ask for them."""
    with connected() as connection:
        write_record.install(connection)
        try:
            yield connection
        finally:
            write_record.remove(connection)


def find_violations(connection: "psycopg.Connection[Any]") -> list[str]:
    """Return what the audits of boards and runs find, with the times of the current application."""
    times = current_app.config["SETTINGS"].board_times
    found = run_audit.audit(connection, times.witness, times.empty, times.gone)
    return [*found, *board_audit.audit(connection, times.witness, times.empty, times.gone)]


def find_recorded_violations(connection: "psycopg.Connection[Any]") -> list[str]:
    """Return what the audits and the record of writes find."""
    recorded_ones = [*write_record.late_writes(connection), *write_record.rewritten_rows(connection)]
    return [*find_violations(connection), *recorded_ones]
