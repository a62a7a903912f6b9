"""The work on a preview, independent of messages: several boards at once, for a slice of time."""

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from typing import Any, TypeVar

import structlog
from flask import Flask, current_app
from sqlalchemy import Row

from app.config.settings import BOARD_THREADS
from app.db.engine import SPARE_CONNECTIONS
from app.errors import DatabaseUnavailable
from app.services.previews import completion, leases, list_company

log = structlog.get_logger(__name__)

T = TypeVar("T")

SLICE_SECONDS = 20
"""Time spent on one message before others have their turn; boards already claimed are completed."""

POLL_INTERVAL_SECONDS = 0.2
"""Seconds between two checks for the end of the work or a shutdown."""

LEFT_INTERVAL_SECONDS = 2
"""Seconds between two checks, after the slice, for companies left to other workers."""

DRAIN_SECONDS = 4
"""Time that claimed boards still have when the worker stops; less than its supervisor's stop timeout."""

DATABASE_RETRY_SECONDS = 2
"""Pause of a thread after the database did not answer."""


class Runner:
    """The threads that work on one message, and the company that each has claimed."""

    def __init__(self, app: Flask, preview_id: int, seconds: float, threads: int) -> None:
        self.over = Event()
        """Set when no further board is to be claimed."""
        self._app = app
        self._preview_id = preview_id
        self._until = time.monotonic() + seconds
        self._claimed: list[Row[Any] | None] = [None] * threads
        self._renewed = time.monotonic()
        # Daemons: a board that never answers must not keep the process from exiting.
        self._threads = [
            Thread(target=copy_context().run, args=(self._work, number), name=f"preview-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def claimed(self) -> list[Row[Any]]:
        """The companies that the threads have claimed now."""
        return [unit for unit in self._claimed if unit is not None]

    def poll(self) -> bool:
        """Wait for POLL_INTERVAL_SECONDS, renew the leases, and return whether a thread still works. Commits."""
        if time.monotonic() >= self._until:
            self.over.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(POLL_INTERVAL_SECONDS)
                break
        if time.monotonic() - self._renewed >= leases.RENEW_SECONDS and (units := self.claimed):
            self._renewed = time.monotonic()
            _if_possible(lambda: leases.renew(units))
        return any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        """Run one thread: claim, list and store companies until none is claimable or the slice is over."""
        with self._app.app_context():
            while not self.over.is_set() and time.monotonic() < self._until:
                try:
                    unit = self._claimed[number] = leases.claim_company(self._preview_id)
                    if unit is None:
                        return
                    list_company.list_company(unit)
                except DatabaseUnavailable as error:
                    log.warning("preview work interrupted", preview_id=self._preview_id, reason=error.reason)
                    self._claimed[number] = None
                    self.over.wait(DATABASE_RETRY_SECONDS)
                except Exception:
                    log.exception("preview work failed", preview_id=self._preview_id)
                    return
                finally:
                    # Its lease is no longer renewed, so another worker may claim it soon.
                    self._claimed[number] = None


def work(
    preview_id: int,
    republish: Callable[[], object],
    seconds: float = SLICE_SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """List boards of a preview for a slice of time. Call ``republish`` once if companies are left. Commits.

    ``republish`` is called before the last boards have answered, so that a slow board keeps nobody waiting. Once
    ``stopping`` returns true, no board is claimed, and those not done within DRAIN_SECONDS are released. Raises
    DatabaseUnavailable; another worker claims this worker's companies when their leases have expired.
    """
    # One connection is reserved for the renewal of leases.
    connections = current_app.config["SETTINGS"].web_database_connections + SPARE_CONNECTIONS - 1
    threads = min(BOARD_THREADS, connections, leases.count_claimable(preview_id))
    if threads and stopping():
        republish()
    elif threads:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        _work_on(Runner(app, preview_id, seconds, threads), preview_id, republish, stopping)
    if completion.finish_if_done(preview_id):
        log.info("preview finished", preview_id=preview_id)


def _work_on(runner: Runner, preview_id: int, republish: Callable[[], object], stopping: Callable[[], bool]) -> None:
    republished, next_check = False, 0.0
    while is_at_work := runner.poll():
        if stopping():
            break
        if runner.over.is_set() and not republished and time.monotonic() >= next_check:
            next_check = time.monotonic() + LEFT_INTERVAL_SECONDS
            republished = _republish_if_left(preview_id, republish)
    if is_at_work:
        _drain(runner, preview_id)
        republish()
    elif not republished:
        _republish_if_left(preview_id, republish)


def _republish_if_left(preview_id: int, republish: Callable[[], object]) -> bool:
    """Call ``republish`` if a company is claimable, and return whether it was called."""
    is_left = bool(_if_possible(lambda: leases.count_claimable(preview_id)))
    if is_left:
        republish()
    return is_left


def _drain(runner: Runner, preview_id: int) -> None:
    runner.over.set()
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until and runner.poll():
        continue
    if units := runner.claimed:
        _if_possible(lambda: leases.release(units))
        log.info("companies released", preview_id=preview_id, boards=[unit.board for unit in units])


def _if_possible(statement: Callable[[], T]) -> T | None:
    """Return the statement's result, or None if the database is unavailable, which must not end the polling."""
    try:
        return statement()
    except DatabaseUnavailable as error:
        log.warning("lease statement failed", reason=error.reason)
        return None
