"""Concurrent calls, each with its own database connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from app.errors import AppError


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
