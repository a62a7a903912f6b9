"""The work on a preview, independent of messages: several boards at once, for a slice of time."""

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Lock, Thread
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

RETRY_SECONDS = 2
"""Pause of a thread after a fault, and of the renewal of leases after a failed one."""

NO_THREAD_SECONDS = 2
"""Pause before a message is republished because no thread could be started."""

MAX_BACKGROUND_BOARDS = 4 * BOARD_THREADS
"""Boards that a process may still read after their slices, while it works on other messages."""


class Runner:
    """The threads that work on one message, and the company that each has claimed."""

    def __init__(self, app: Flask, preview_id: int, seconds: float, threads: int) -> None:
        self.over = Event()
        """Set when no further board is to be claimed."""
        self._app = app
        self.preview_id = preview_id
        self._until = time.monotonic() + seconds
        self._claimed: list[Row[Any] | None] = [None] * threads
        self._renew_at = time.monotonic() + leases.RENEW_SECONDS
        self._threads: list[Thread] = []
        for number in range(threads):
            # Daemons: a board that never answers must not keep the process from exiting.
            if thread := _start_thread(f"preview-{number}", self._work, number):
                self._threads.append(thread)

    @property
    def claimed(self) -> list[Row[Any]]:
        """The companies that the threads have claimed now."""
        return [unit for unit in self._claimed if unit is not None]

    @property
    def has_started(self) -> bool:
        """True if a thread could be started."""
        return bool(self._threads)

    @property
    def threads_at_work(self) -> int:
        """The number of threads that have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    def poll(self) -> bool:
        """Wait for POLL_INTERVAL_SECONDS, renew the leases, and return whether a thread still works. Commits."""
        if time.monotonic() >= self._until:
            self.over.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(POLL_INTERVAL_SECONDS)
                break
        if time.monotonic() >= self._renew_at and (units := self.claimed):
            is_renewed = _if_possible(lambda: leases.renew(units))
            self._renew_at = time.monotonic() + (leases.RENEW_SECONDS if is_renewed else RETRY_SECONDS)
        return self.threads_at_work > 0

    def _work(self, number: int) -> None:
        """Run one thread: claim, list and store companies until none is claimable or the slice is over."""
        with self._app.app_context():
            while not self.over.is_set() and time.monotonic() < self._until:
                try:
                    unit = self._claimed[number] = leases.claim_company(self.preview_id)
                    if unit is None:
                        return
                    list_company.list_company(unit)
                except DatabaseUnavailable as error:
                    log.warning("preview work interrupted", preview_id=self.preview_id, reason=error.reason)
                    self._claimed[number] = None
                    self.over.wait(RETRY_SECONDS)
                except Exception:
                    log.exception("preview work failed", preview_id=self.preview_id)
                    # The pause keeps workers from passing the message around while the fault lasts.
                    self._claimed[number] = None
                    self.over.wait(RETRY_SECONDS)
                    return
                finally:
                    # Its lease is no longer renewed, so another worker may claim it soon.
                    self._claimed[number] = None


class Work:
    """The work on one message: in the foreground during its slice, then in a thread of its own."""

    def __init__(self, runner: Runner, republish: Callable[[], object], stopping: Callable[[], bool]) -> None:
        self.runner = runner
        self._republish = republish
        self._stopping = stopping
        self._republished = False
        self._next_check = 0.0

    def run(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Poll until no thread is at work, or ``until`` returns true after the slice. Returns whether all are done."""
        while is_at_work := self.runner.poll():
            if self._stopping():
                break
            if self.runner.over.is_set() and until():
                return False
            if self.runner.over.is_set() and not self._republished and time.monotonic() >= self._next_check:
                self._next_check = time.monotonic() + LEFT_INTERVAL_SECONDS
                self._republished = self._republish_if_left()
        if is_at_work:
            self._drain()
        elif not self._republished:
            self._republish_if_left()
        _finish(self.runner.preview_id)
        return True

    def release(self) -> None:
        """Claim nothing more, release the companies that are claimed, and republish the message. Commits."""
        self.runner.over.set()
        if units := self.runner.claimed:
            _if_possible(lambda: leases.release(units))
            log.info("companies released", preview_id=self.runner.preview_id, boards=[unit.board for unit in units])
        self._republish()

    def _drain(self) -> None:
        self.runner.over.set()
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until and self.runner.poll():
            continue
        self.release()

    def _republish_if_left(self) -> bool:
        """Call ``republish`` if a company is claimable, and return whether it was called."""
        is_left = bool(_if_possible(lambda: leases.count_claimable(self.runner.preview_id)))
        if is_left:
            self._republish()
        return is_left


class Background:
    """The work whose slice is over but whose boards have not answered, so that they keep no other user waiting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.work: list[Work] = []

    def adopt(self, app: Flask, work: Work) -> bool:
        """Attend to this work in a thread, if that is possible with MAX_BACKGROUND_BOARDS. Returns whether it is."""
        with self._lock:
            boards = sum(each.runner.threads_at_work for each in [*self.work, work])
            if boards > MAX_BACKGROUND_BOARDS or not _start_thread("preview-background", self._attend, app, work):
                return False
            self.work.append(work)
            return True

    def release(self) -> None:
        """Release all companies, because the process ends. Commits."""
        with self._lock:
            for each in self.work:
                each.release()

    def _attend(self, app: Flask, work: Work) -> None:
        try:
            with app.app_context():
                work.run()
        except DatabaseUnavailable as error:
            log.warning("preview work interrupted", preview_id=work.runner.preview_id, reason=error.reason)
        except Exception:
            log.exception("preview work failed", preview_id=work.runner.preview_id)
        finally:
            with self._lock:
                self.work.remove(work)


background = Background()


def work(
    preview_id: int,
    republish: Callable[[], object],
    seconds: float = SLICE_SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """List boards of a preview for a slice of time. Call ``republish`` if companies are left. Commits.

    Boards that have not answered by then are read on in the background, so that other previews have their turn. Once
    ``stopping`` returns true, no board is claimed, and those not done within DRAIN_SECONDS are released. Raises
    DatabaseUnavailable; another worker claims this worker's companies when their leases have expired.
    """
    # One connection is reserved for the renewal of leases.
    connections = current_app.config["SETTINGS"].web_database_connections + SPARE_CONNECTIONS - 1
    threads = min(BOARD_THREADS, connections, leases.count_claimable(preview_id))
    if not threads:
        _finish(preview_id)
        return
    if stopping():
        republish()
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    runner = Runner(app, preview_id, seconds, threads)
    if not runner.has_started:
        # The message must not be lost. The pause keeps workers at their limit from passing it around.
        time.sleep(NO_THREAD_SECONDS)
        republish()
        return
    slice_of_work = Work(runner, republish, stopping)
    slice_of_work.run(until=lambda: background.adopt(app, slice_of_work))


def _finish(preview_id: int) -> None:
    if completion.finish_if_done(preview_id):
        log.info("preview finished", preview_id=preview_id)


def _start_thread(name: str, function: Callable[..., None], *arguments: object) -> Thread | None:
    """Start a daemon thread in a copy of this context; return None if the process is at a limit."""
    try:
        thread = Thread(target=copy_context().run, args=(function, *arguments), name=name, daemon=True)
        thread.start()
    except (RuntimeError, MemoryError) as error:
        log.warning("thread not started", thread=name, reason=str(error))
        return None
    return thread


def _if_possible(statement: Callable[[], T]) -> T | None:
    """Return the statement's result, or None if it failed, which must not end the polling: it renews the leases."""
    try:
        return statement()
    except DatabaseUnavailable as error:
        log.warning("lease statement failed", reason=error.reason)
    except Exception:
        log.exception("lease statement failed")
    return None
