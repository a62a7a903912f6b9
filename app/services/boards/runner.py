"""The threads that read boards: each claims a board, reads it and stores its listing, again and again."""

import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar

import structlog
from flask import Flask

from app.errors import DatabaseUnavailable
from app.observability import metrics
from app.services.boards import leases
from app.services.boards.claim import Claim
from app.services.boards.read_board import read_board
from app.services.boards.readings import StoredListing
from app.services.boards.times import board_times
from app.sources.deadline import Deadline

log = structlog.get_logger(__name__)

T = TypeVar("T")

OnListed = Callable[[int], None]
"""The function that gets the id of each listing after its commit, to answer those who wait for it."""

POLL_INTERVAL_SECONDS = 0.2
"""Seconds between two checks for the end of the work or a shutdown."""

RETRY_SECONDS = 2
"""Pause of a thread after a fault, and of the renewal of leases after a failed one."""


@dataclass(frozen=True)
class Held:
    """A claimed board, and the deadline of its reading.

    The deadline is stopped if nobody waits for the board any more, or if the lease was lost. Then no further page is
    requested.
    """

    claim: Claim
    deadline: Deadline


class Runner:
    """The threads that work on one message, and the board that each has claimed."""

    def __init__(
        self,
        app: Flask,
        claim: Callable[[], Claim | None],
        on_listed: OnListed,
        seconds: float,
        *,
        keeps_unwanted: bool = False,
    ) -> None:
        """Prepare the work. With ``keeps_unwanted``, boards are read on though no unit waits for them."""
        self.over = Event()
        """Set when no further board is to be claimed."""
        self._app = app
        self._claim = claim
        self._on_listed = on_listed
        self._keeps_unwanted = keeps_unwanted
        self._until = time.monotonic() + seconds
        self._held: dict[int, Held] = {}
        self._times = board_times()
        self._renew_at = time.monotonic() + self._times.renew
        self._threads: list[Thread] = []

    def start(self, threads: int) -> bool:
        """Start threads. Returns false if none could be started."""
        for number in range(threads):
            # Daemons: a board that never answers must not keep the process from exiting.
            if thread := start_thread(f"board-{number}", self._work, number):
                self._threads.append(thread)
        return bool(self._threads)

    @property
    def claims(self) -> list[Claim]:
        """The boards that the threads have claimed now."""
        return [held.claim for held in list(self._held.values())]

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
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + (self._times.renew if self._renew() else RETRY_SECONDS)
        return self.threads_at_work > 0

    def _renew(self) -> bool:
        """Renew the leases, and stop readings that no unit waits for. Returns false if PostgreSQL did not answer."""
        held = list(self._held.values())
        if not held:
            return True
        wanted = if_possible(lambda: leases.renew([each.claim for each in held], self._times))
        if wanted is None:
            return False
        for each in held:
            lease_id = each.claim.lease_id
            if lease_id not in wanted or not (wanted[lease_id] or self._keeps_unwanted):
                each.deadline.stop()
        return True

    def _work(self, number: int) -> None:
        """Run one thread: claim, read and store boards until none is claimable or the slice is over."""
        with self._app.app_context():
            while not self.over.is_set() and time.monotonic() < self._until:
                try:
                    if not self._read_next(number):
                        return
                except DatabaseUnavailable as error:
                    log.warning("reading interrupted", reason=error.reason)
                    self.over.wait(RETRY_SECONDS)
                except Exception:
                    log.exception("reading failed")
                    # The pause keeps workers from passing the message around while the fault lasts.
                    self.over.wait(RETRY_SECONDS)
                    return

    def _read_next(self, number: int) -> bool:
        """Claim and read one board, and answer those who wait for it. Returns false if none can be claimed."""
        claim = self._claim()
        if claim is None:
            return False
        deadline = Deadline.of(self._times.reading)
        self._held[number] = Held(claim, deadline)
        try:
            stored = read_board(claim, deadline)
        finally:
            # Its lease is no longer renewed, so another worker may claim it soon.
            self._held.pop(number, None)
        if stored:
            record(claim, stored, self._on_listed)
        return True


def record(claim: Claim, stored: StoredListing, on_listed: OnListed) -> None:
    """Count an ended reading, and answer those who wait for it."""
    metrics.BOARD_READINGS.labels(source=claim.source, state=stored.state.value).inc()
    on_listed(stored.listing_id)


def start_thread(name: str, function: Callable[..., None], *arguments: object) -> Thread | None:
    """Start a daemon thread in a copy of this context; return None if the process is at a limit."""
    try:
        thread = Thread(target=copy_context().run, args=(function, *arguments), name=name, daemon=True)
        thread.start()
    except (RuntimeError, MemoryError) as error:
        log.warning("thread not started", thread=name, reason=str(error))
        return None
    return thread


def if_possible(statement: Callable[[], T]) -> T | None:
    """Return the statement's result, or None if it failed, which must not end the polling: it renews the leases."""
    try:
        return statement()
    except DatabaseUnavailable as error:
        log.warning("lease statement failed", reason=error.reason)
    except Exception:
        log.exception("lease statement failed")
    return None
