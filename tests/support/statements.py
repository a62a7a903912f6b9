"""Hooks that run just before or after a statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Engine, event

Callback = Callable[[str], None]


@contextmanager
def watch_statements(
    engine: Engine, before: Callback = lambda _: None, after: Callback = lambda _: None
) -> Iterator[None]:
    """Call ``before`` and ``after`` with the text of every statement of the engine, from SQLAlchemy or from psycopg."""

    class Cursor(psycopg.Cursor):
        def execute(self, query, *arguments, **options):
            before(query)
            done = super().execute(query, *arguments, **options)
            after(query)
            return done

    def lend(connection, *_):
        connection.cursor_factory = Cursor

    def take_back(connection, *_):
        if connection is not None:
            connection.cursor_factory = psycopg.Cursor

    event.listen(engine, "checkout", lend)
    event.listen(engine, "checkin", take_back)
    try:
        yield
    finally:
        event.remove(engine, "checkout", lend)
        event.remove(engine, "checkin", take_back)
