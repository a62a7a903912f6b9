"""The storing of boards: time, rows written, memory and log. ``bench.in_process`` runs these."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import text

from app.db.execute import run_long_statement, run_statement
from app.services.boards.worker import read_now
from app.sources.types import Posting
from bench.boards import (
    add_closed,
    backend_pid,
    copy_in,
    log_position,
    make_board,
    make_postings,
    next_transaction,
    reword,
    rows_written_since,
    store,
)
from bench.findings import Finding, Findings, at_most, plain
from bench.process_memory import MemoryPeaks
from bench.profiles import where_time_goes

POSTINGS = 10_000
"""Postings of a board whose storing is timed."""

MAX_POSTINGS = 60_000
"""Postings of the largest board that a listing may have."""

CLOSED_TIMES = 50
"""Closed postings of a board for each open one."""

ROUNDS = 3
"""Rounds, of which the median counts."""

CHANGED_PERCENT = 1

MAX_NEW_SECONDS, MAX_SAME_SECONDS, MAX_CHANGED_SECONDS = 2, 0.1, 1
MAX_BYTES = 150e6
"""The memory that a board may take, of the process that stores it and of its backend."""

MAX_MORE_PERCENT = 20
"""The time that closed postings may add."""

MAX_LOG_BYTES = 1e6

READ_AGAIN = text(
    "SELECT sum(unchanged_postings) AS unchanged, count(*) FILTER (WHERE state = 'complete') AS complete"
    " FROM listings WHERE listing_id = ANY(:listings)"
)


@dataclass
class Storing:
    """The times of one kind of storing, in seconds, and the rows that each round wrote."""

    seconds: list[float] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)

    def measure(self, storing: Callable[[], float]) -> None:
        """Run the storing, and note its time and rows."""
        before = next_transaction()
        self.seconds.append(storing())
        self.rows.append(rows_written_since(before))

    @property
    def median(self) -> float:
        """The median of the times."""
        return median(self.seconds)

    def __str__(self) -> str:
        postings, revisions, events = self.rows[-1]
        return f"{self.median:.3f} s; rows: {postings:,} postings, {revisions:,} revisions, {events:,} events"


def storing() -> Findings:
    """Measure a board that is new, unchanged and changed, beside COPY of the same rows."""
    _warm_up()
    postings = list(make_postings(POSTINGS))
    new, same, changed, copied = Storing(), Storing(), Storing(), []
    for number in range(ROUNDS):
        board_id = make_board(f"timed-{number}")
        new.measure(lambda: store(board_id, postings))
        run_long_statement(text("VACUUM ANALYZE"))
        same.measure(lambda: store(board_id, postings))
        changed.measure(lambda: store(board_id, reword(postings, CHANGED_PERCENT)))
        copied.append(copy_in(postings))
    what = f"a board of {POSTINGS:,} postings of 3.4 kB"
    yield at_most(f"{what}: new", MAX_NEW_SECONDS, "s", new.median, str(new))
    yield plain("the same rows by COPY", f"{median(copied):.3f} s")
    is_met = same.median <= MAX_SAME_SECONDS and not any(sum(rows) for rows in same.rows)
    yield Finding(f"{what}: nothing changed", f"≤ {MAX_SAME_SECONDS} s, no rows", str(same), is_met)
    yield at_most(f"{what}: {CHANGED_PERCENT} % changed", MAX_CHANGED_SECONDS, "s", changed.median, str(changed))
    profiled = make_board("profiled")
    for kind in ("new", "nothing changed"):
        seconds, shares = where_time_goes(lambda: store(profiled, postings))
        yield plain(f"{what}: {kind}, where {seconds:.2f} s go", shares)


def large_board() -> Findings:
    """Measure the memory of this process, as of a reader's child, and of its PostgreSQL backend."""
    board_id = make_board("large")
    kinds = {
        "new": lambda: make_postings(MAX_POSTINGS),
        "nothing changed": lambda: make_postings(MAX_POSTINGS),
        f"{CHANGED_PERCENT} % changed": lambda: reword(make_postings(MAX_POSTINGS), CHANGED_PERCENT),
    }
    for kind, make in kinds.items():
        with MemoryPeaks(backend_pid()) as peaks:
            seconds = store(board_id, make())
        what = f"a board of {MAX_POSTINGS:,} postings: {kind}, {seconds:.1f} s with the making of them"
        for name, pid in (("the process that stores", os.getpid()), ("its backend", peaks.backend)):
            found = peaks.describe(pid)
            yield at_most(f"{what}: {name}", MAX_BYTES / 1e6, "MB", peaks.peaks[pid] / 1e6, found)


def closed_postings() -> Findings:
    """Measure the same board with and without many closed postings."""
    _warm_up()
    postings, board_id = list(make_postings(POSTINGS)), make_board("closed")
    store(board_id, postings)
    few = _rounds(board_id, postings)
    add_closed(board_id, CLOSED_TIMES * POSTINGS)
    many = _rounds(board_id, postings)
    for kind, before in few.items():
        times = f"{before.median:.3f} → {many[kind].median:.3f} s"
        what = f"{POSTINGS:,} postings, without and with {CLOSED_TIMES * POSTINGS:,} closed ones: {kind}"
        percent = 100 * (many[kind].median / before.median - 1)
        yield at_most(f"{what}: more time", MAX_MORE_PERCENT, "%", percent, f"{percent:+.0f} % ({times})")


def unchanged(number: str) -> Findings:
    """Measure the log of the second reading of these boards. They answer 200, with another body each time."""
    ids = [make_board(f"sound-{number}") for number in range(int(number))]
    for board_id in ids:
        read_now(board_id, lambda _: None)
    run_long_statement(text("VACUUM ANALYZE"))
    before, began = log_position(), time.monotonic()
    listings = [read_now(board_id, lambda _: None) for board_id in ids]
    seconds, written = time.monotonic() - began, log_position() - before
    [counts] = run_statement(READ_AGAIN, listings=listings)
    boards = f"{len(ids)} boards that answer 200"
    what = f"the log of a second reading of {counts.unchanged:,} unchanged postings on {boards}"
    found = f"{written / 1e6:.2f} MB in {seconds:.0f} s ({counts.complete} complete listings)"
    yield at_most(what, MAX_LOG_BYTES / 1e6, "MB", written / 1e6, found)


def _rounds(board_id: int, postings: list[Posting]) -> dict[str, Storing]:
    """Store the board again, unchanged and changed, in turns."""
    run_long_statement(text("VACUUM ANALYZE"))
    same, changed = Storing(), Storing()
    store(board_id, postings)
    for number in range(ROUNDS):
        same.measure(lambda: store(board_id, postings))
        changed.measure(lambda: store(board_id, reword(postings, CHANGED_PERCENT)))
        store(board_id, postings)
    return {"nothing changed": same, f"{CHANGED_PERCENT} % changed": changed}


def _warm_up() -> None:
    """Store a small board, so that statements are compiled and caches are warm."""
    board_id, postings = make_board("warm"), list(make_postings(100))
    store(board_id, postings)
    store(board_id, reword(postings, CHANGED_PERCENT))
