"""Concurrent calls, each with its own database connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from app.errors import AppError
from tests.support.factories import open_transaction, sql
from tests.support.waiting import wait_until


def in_parallel(app: Flask, *calls: Callable[[], Any]) -> list[Any]:
    """Make all calls after a common barrier; return the result of each, or the AppError that it raised."""
    barrier = Barrier(len(calls))

    def make(call: Callable[[], Any]) -> Any:
        with app.app_context():
            barrier.wait()
            try:
                return call()
            except AppError as error:
                return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def during_open_transaction(
    app: Flask, statement: str, call: Callable[[], Any], meanwhile: Callable[[], Any] = lambda: None
) -> Any:
    """Return the result or the AppError of a call that begins before another transaction with this statement commits.

    ``meanwhile`` is called while the call waits for that transaction.
    """
    with open_transaction(statement) as other, ThreadPoolExecutor(1) as pool:
        late = pool.submit(in_parallel, app, call)
        wait_until(lambda: late.done() or _waiting() == 1, what="the call to wait for a lock")
        meanwhile()
        other.commit()
        return late.result()[0]


def _waiting() -> int:
    """Return the number of statements that wait for a lock."""
    return sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0].count
