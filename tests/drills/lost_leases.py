"""Writers that are overtaken: their statement waits for a lock, and meanwhile another one takes the unit over."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from app.models import Component
from app.services.boards import outbox as board_outbox
from app.services.runs import outbox as run_outbox
from app.services.runs.taking_in import FIRST_PART
from tests.drills.board_server import Response, SoundBoard
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.run_faults import GROUP
from tests.drills.testbed import Testbed
from tests.drills.users import User
from tests.support.waiting import wait_until

POSTINGS = 30
SOUND, MISSING = 3, 2
"""Boards that lose their leases at once: the storing of a listing is overtaken, or that of a failure."""

BOARDS = SOUND + MISSING
PART_POSTINGS = FIRST_PART + 50
"""So many that a company is taken in by two parts: its state alone cannot tell that the first one is written."""

READING_SECONDS = 3.0
"""The delay of each response. It ends before the lease, which is not renewed, so that the statement waits then."""

LEASES = "SELECT board_id, lease_id FROM boards WHERE lease_id IS NOT NULL"
VALID = "SELECT count(*) FROM boards WHERE lease_until > clock_now()"
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
READINGS = """
SELECT DISTINCT ON (board_id) board, count(*) OVER (PARTITION BY board_id), state, found, new_postings,
       extract(epoch FROM ended_at - began_at)
FROM boards JOIN listings USING (board_id) ORDER BY board_id, listings.listing_id
"""
NEW_POSTINGS = """
SELECT count(*), count(DISTINCT postings.posting_id) FROM postings LEFT JOIN posting_events AS events
ON events.posting_id = postings.posting_id AND kind = 'new'
"""
ENDED = "SELECT status, jobs_ready, count(*) FROM ingestion_runs GROUP BY 1, 2 ORDER BY 1, 2"
JOBS = "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM job_events)"


@dataclass
class WatchedBoard(SoundBoard):
    """A board that notes when it was requested first."""

    status: int = 200
    is_requested: bool = False

    def respond(self) -> Response:
        """Return all postings, or the status alone."""
        self.is_requested = True
        sound = super().respond()
        return sound if self.status == 200 else replace(sound, status=self.status, body=b"{}")


@drill("leases lost while a listing is stored", GROUP, PRODUCT)
def lost_leases(testbed: Testbed) -> Outcome:
    """Sessions in psql lock boards, so that their leases pass, and a table that the storing of a reading writes. Other
    threads claim the boards while the first ones wait. These write nothing: each reading ends once, by its new owner.
    """
    lost, seconds, rounds = 0, list[float](), testbed.scaled(4)
    # Its processes are free when the leases are lost.
    with testbed.product.second_node(Component.READER):
        for _ in range(rounds):
            [user] = testbed.users(1, boards=0)
            boards = _serve(testbed)
            # One run wakes one process for all of them, so that another one is free.
            user.choose(boards)
            user.start()
            lost += _lose_leases(testbed, list(boards.values()))
            seconds.append(testbed.wait_until_all_ended())
    _check_readings(testbed, rounds)
    _check_runs(testbed, rounds, SOUND * POSTINGS)
    if not lost:
        testbed.record_violation("no lease was lost, which proves nothing")
    return Outcome(rounds * BOARDS, "readings", seconds, "runs' end", {"leases lost": lost})


def _serve(testbed: Testbed) -> dict[str, WatchedBoard]:
    statuses = [200] * SOUND + [404] * MISSING
    first = len(testbed.boards.boards)
    boards = {
        f"board-{first + number}": WatchedBoard(POSTINGS, READING_SECONDS, status=status)
        for number, status in enumerate(statuses)
    }
    testbed.boards.boards |= boards
    return boards


def _lose_leases(testbed: Testbed, boards: list[WatchedBoard]) -> int:
    """Let the leases pass while the readings are being stored; return the number of boards that others claimed."""
    product = testbed.product
    wait_until(lambda: all(board.is_requested for board in boards), 20, "the requests to all boards")
    with product.connect() as rows, product.connect() as table:
        # Renewals skip locked boards, and so do claims.
        rows.execute("SELECT FROM boards FOR NO KEY UPDATE")
        table.execute("LOCK TABLE posting_revisions IN SHARE MODE")
        first = dict(product.sql(LEASES))
        wait_until(lambda: _waiting(testbed, "posting_revisions") >= BOARDS, 20, "all readings that wait")
        wait_until(lambda: not product.sql(VALID)[0][0], 20, "the ends of all leases")
        rows.commit()
        with testbed.app.app_context():
            board_outbox.wake_readers(0, BOARDS)
        _wait_briefly(lambda: _changed(testbed, first) == BOARDS)
        return _changed(testbed, first)


def _waiting(testbed: Testbed, table: str) -> int:
    """Return the number of sessions that wait for a lock on this table."""
    found: int = testbed.product.sql(WAITING, table)[0][0]
    return found


def _changed(testbed: Testbed, first: dict[int, str]) -> int:
    return sum(first.get(board_id, lease_id) != lease_id for board_id, lease_id in testbed.product.sql(LEASES))


def _wait_briefly(is_so: Callable[[], bool]) -> None:
    """Wait for the condition for a second: those who wait for the lock give up after 3 s."""
    with suppress(AssertionError):
        wait_until(is_so, 1)


def _check_readings(testbed: Testbed, rounds: int) -> None:
    """Check that the reading of each board ended once, after the response to its new owner."""
    boards: dict[str, Any] = dict(testbed.boards.boards)
    for name, count, state, found, new, seconds in testbed.product.sql(READINGS):
        is_sound = boards[name].status == 200
        expected = ("complete", POSTINGS, POSTINGS) if is_sound else ("failed", None, 0)
        # A missing board gets a second look.
        if (state, found, new) != expected or (is_sound and count > 1) or seconds < READING_SECONDS:
            testbed.record_violation(f"{name}: {count} readings, {state}, {found} found, {new} new, {seconds:.1f} s")
    total = rounds * SOUND * POSTINGS
    if (found := testbed.product.sql(NEW_POSTINGS)) != [(total, total)]:
        testbed.record_violation(f"new events and postings: {found}, not {total} of each")


def _check_runs(testbed: Testbed, runs: int, jobs: int) -> None:
    """Check that all of these runs finished, each with this number of new jobs."""
    if (ended := testbed.product.sql(ENDED)) != [("finished", jobs, runs)]:
        testbed.record_violation(f"ended as {ended}, not {runs} with {jobs} jobs")
    if (found := testbed.product.sql(JOBS)) != [(runs * jobs, runs * jobs)]:
        testbed.record_violation(f"jobs and their events: {found}, not {runs * jobs} of each")


@drill("two workers at one part", GROUP, PRODUCT)
def two_workers_at_one_part(testbed: Testbed) -> Outcome:
    """A session in psql locks the table that a part of a run writes. The run is published again, and a second worker
    waits behind the first with the same part. After the release one of them writes it: jobs and counts are exact.
    """
    [board] = testbed.serve(1, postings=PART_POSTINGS)
    users = testbed.users(testbed.scaled(20, 2), boards=0)
    met, seconds = 0, list[float]()
    for user in users:
        user.choose([board])
        met += _meet(testbed, user)
        seconds.append(testbed.wait_until_all_ended())
    _check_runs(testbed, len(users), PART_POSTINGS)
    if not met:
        testbed.record_violation("no two workers met, which proves nothing")
    return Outcome(len(users), "runs", seconds, "run's end", {"two at one part": met})


def _meet(testbed: Testbed, user: User) -> bool:
    """Start a run, publish it again while its part waits, and return whether two workers waited."""
    product = testbed.product
    with product.connect() as table:
        table.execute("LOCK TABLE job_events IN SHARE MODE")
        run_id = user.start().run_id
        wait_until(lambda: _waiting(testbed, "job_events"), 20, "a part that waits")
        with testbed.app.app_context():
            run_outbox.publish(run_id)
        _wait_briefly(lambda: _waiting(testbed, "job_events") == 2)
        return _waiting(testbed, "job_events") == 2
