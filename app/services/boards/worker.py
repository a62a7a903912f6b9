"""The work of reading boards, independent of messages: several boards at once, for a slice of time."""

import time
from collections.abc import Callable
from threading import Lock

import structlog
from flask import Flask, current_app

from app.config.settings import BOARD_THREADS
from app.errors import DatabaseUnavailable
from app.services.boards import claims, leases
from app.services.boards.claim import Claim
from app.services.boards.errors import BoardBusy, BoardNotRead
from app.services.boards.read_board import end_exhausted
from app.services.boards.readable import ReadableSources, all_versions, read_versions
from app.services.boards.runner import OnListed, Runner, if_possible, record, start_thread
from app.services.boards.times import board_times

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20
"""Time spent on one message; boards already claimed are read on."""

LEFT_INTERVAL_SECONDS = 2
"""Seconds between two checks, after the slice, for boards left to other workers."""

DRAIN_SECONDS = 4
"""Time that claimed boards still have when the worker stops; less than its supervisor's stop timeout."""

NO_THREAD_SECONDS = 2
"""Pause before a message is republished because no thread could be started."""

MAX_BACKGROUND_BOARDS = 4 * BOARD_THREADS
"""Boards that a process may still read after their slices, while it works on other messages."""


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
        return True

    def release(self) -> None:
        """Claim nothing more, release the boards that are claimed, and republish the message. Commits."""
        self.runner.over.set()
        if claimed := self.runner.claims:
            if_possible(lambda: leases.release(claimed))
            log.info("boards released", boards=[claim.board for claim in claimed])
        self._republish()

    def _drain(self) -> None:
        self.runner.over.set()
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until and self.runner.poll():
            continue
        self.release()

    def _republish_if_left(self) -> bool:
        """Call ``republish`` if a board is claimable, and return whether it was called."""
        is_left = bool(if_possible(lambda: count_claimable(1)))
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
            if boards > MAX_BACKGROUND_BOARDS or not start_thread("boards-background", self._attend, app, work):
                return False
            self.work.append(work)
            return True

    def release(self) -> None:
        """Release all boards, because the process ends. Commits."""
        with self._lock:
            for each in self.work:
                each.release()

    def _attend(self, app: Flask, work: Work) -> None:
        try:
            with app.app_context():
                work.run()
        except DatabaseUnavailable as error:
            log.warning("reading interrupted", reason=error.reason)
        except Exception:
            log.exception("reading failed")
        finally:
            with self._lock:
                self.work.remove(work)


background = Background()


def work(
    republish: Callable[[], object],
    on_listed: OnListed,
    seconds: float = SLICE_SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Read wanted boards for a slice of time. Call ``republish`` if boards are left. Commits.

    Boards that have not answered by then are read on in the background, so that others have their turn. Once
    ``stopping`` returns true, no board is claimed, and those not done within DRAIN_SECONDS are released. Raises
    DatabaseUnavailable; another worker claims this worker's boards when their leases have expired.
    """
    threads = count_claimable(BOARD_THREADS)
    if not threads:
        return
    if stopping():
        republish()
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    sources = ReadableSources()
    runner = Runner(app, lambda: claim_next(sources.versions()), on_listed, seconds)
    if not runner.start(threads):
        # The message must not be lost. The pause keeps workers at their limit from passing it around.
        time.sleep(NO_THREAD_SECONDS)
        republish()
        return
    slice_of_work = Work(runner, republish, stopping)
    slice_of_work.run(until=lambda: background.adopt(app, slice_of_work))


def claim_next(versions: dict[str, int]) -> Claim | None:
    """Claim the next wanted board, or else one whose second look is due; None if there is none. Commits."""
    times = board_times()
    if claim := claims.claim_wanted(versions, times):
        return claim
    return claims.claim_second_look(versions, times) if times.second_looks else None


def count_claimable(limit: int) -> int:
    """Return the number of boards that this process could read now, at most ``limit``."""
    times = board_times()
    return claims.count_claimable(read_versions(), times, limit, second_looks=times.second_looks)


def read_now(board_id: int, on_listed: OnListed) -> int:
    """Read this board in this process, wanted or not, and return the listing's id. Commits.

    Raises BoardBusy if it cannot be claimed, and BoardNotRead if the reading did not end.
    """
    claim = claims.claim_board(board_id, read_versions(), board_times())
    if claim is None:
        raise BoardBusy
    only = [claim]
    listed: list[int] = []
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    seconds = board_times().reading
    runner = Runner(app, lambda: only.pop() if only else None, listed.append, seconds, keeps_unwanted=True)
    if not runner.start(1):
        leases.release([claim])
    while runner.poll():
        continue
    if not listed:
        raise BoardNotRead
    on_listed(listed[0])
    return listed[0]


def end_exhausted_readings(on_listed: OnListed) -> int:
    """End the readings whose last attempt has died, and answer those who wait. Commits. Returns their number."""
    ended = 0
    while claim := claims.claim_exhausted(all_versions(), board_times()):
        if stored := end_exhausted(claim):
            record(claim, stored, on_listed)
            ended += 1
    return ended
