"""The work on a preview, which knows nothing of messages: board after board, several at once, for a slice of time."""

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
"""How long one message is worked on before others have their turn; what was begun by then is brought to its end."""

POLL_INTERVAL = 0.2
"""How often it is looked whether all is done, or the worker is to stop."""

LEFT_SECONDS = 2
"""How often it is looked, after the slice, whether something is left for others."""

DRAIN_SECONDS = 4
"""What boards in work still get when the worker stops; less than the patience of whoever stops it."""

DATABASE_RETRY_SECONDS = 2
"""How long a thread leaves a database alone that did not answer."""


class Runner:
    """The threads of one message, and what each of them has in hand."""

    def __init__(self, app: Flask, preview_id: int, seconds: float, threads: int) -> None:
        self.over = Event()
        """No further board is begun."""
        self._app = app
        self._preview_id = preview_id
        self._until = time.monotonic() + seconds
        self._hands: list[Row[Any] | None] = [None] * threads
        self._renewed = time.monotonic()
        # Daemons: a board that never answers must not keep a process that is to end.
        self._threads = [
            Thread(target=copy_context().run, args=(self._work, number), name=f"preview-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def in_hand(self) -> list[Row[Any]]:
        """The companies that are worked on right now. Changes nothing."""
        return [unit for unit in self._hands if unit is not None]

    def watch(self) -> bool:
        """Wait for a moment, keep what is in hand, and return whether anybody is at work. Commits."""
        if time.monotonic() >= self._until:
            self.over.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(POLL_INTERVAL)
                break
        if time.monotonic() - self._renewed >= leases.RENEW_SECONDS and (units := self.in_hand):
            self._renewed = time.monotonic()
            _if_possible(lambda: leases.renew(units))
        return any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        """One thread: take, list, store, until there is nothing to take or the slice is over."""
        with self._app.app_context():
            while not self.over.is_set() and time.monotonic() < self._until:
                try:
                    unit = self._hands[number] = leases.claim_company(self._preview_id)
                    if unit is None:
                        return
                    list_company.list_company(unit)
                except DatabaseUnavailable as error:
                    log.warning("preview not worked on", preview_id=self._preview_id, reason=error.reason)
                    self._hands[number] = None
                    self.over.wait(DATABASE_RETRY_SECONDS)
                except Exception:
                    log.exception("preview not worked on", preview_id=self._preview_id)
                    return
                finally:
                    # What is in nobody's hand is not renewed, and soon anybody's.
                    self._hands[number] = None


def work(
    preview_id: int,
    again: Callable[[], object],
    seconds: float = SLICE_SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """List boards of a preview for a slice of time; if some are left then, call ``again``, once. Commits.

    ``again`` is called before the last ones have answered, so that a slow board keeps nobody waiting. Once ``stopping``
    says so no board is begun, and what is not done within STOP_SECONDS is given back, for whoever comes next. Raises
    DatabaseUnavailable; what this worker had taken is taken by another one when its lease has run out.
    """
    # One connection is for renewing what the others are at.
    connections = current_app.config["SETTINGS"].web_database_connections + SPARE_CONNECTIONS - 1
    threads = min(BOARD_THREADS, connections, leases.count_claimable(preview_id))
    if threads and stopping():
        again()
    elif threads:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        _work_on(Runner(app, preview_id, seconds, threads), preview_id, again, stopping)
    if completion.finish_if_done(preview_id):
        log.info("preview finished", preview_id=preview_id)


def _work_on(share: Runner, preview_id: int, again: Callable[[], object], stopping: Callable[[], bool]) -> None:
    is_told, look_at = False, 0.0
    while is_at_work := share.watch():
        if stopping():
            break
        if share.over.is_set() and not is_told and time.monotonic() >= look_at:
            look_at = time.monotonic() + LEFT_SECONDS
            is_told = _tell(preview_id, again)
    if is_at_work:
        _wind_down(share, preview_id)
        again()
    elif not is_told:
        _tell(preview_id, again)


def _tell(preview_id: int, again: Callable[[], object]) -> bool:
    """Call ``again`` if something is left, and return whether that was done."""
    is_left = bool(_if_possible(lambda: leases.count_claimable(preview_id)))
    if is_left:
        again()
    return is_left


def _wind_down(share: Runner, preview_id: int) -> None:
    share.over.set()
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until and share.watch():
        continue
    if units := share.in_hand:
        _if_possible(lambda: leases.release(units))
        log.info("boards given back", preview_id=preview_id, boards=[unit.board for unit in units])


def _if_possible(statement: Callable[[], T]) -> T | None:
    """What the statement returns; None from a database that is away, which must not end the watch over the threads."""
    try:
        return statement()
    except DatabaseUnavailable as error:
        log.warning("preview not looked after", reason=error.reason)
        return None
