"""Taking in a company of many jobs. ``bench.in_process`` runs this."""

import time
from statistics import median

from sqlalchemy import text

from app.db.execute import run_long_statement, run_statement
from app.services.runs import taking_in as services
from bench.boards import make_board, make_postings, store
from bench.findings import Finding, Findings, at_most
from tests.support.taking_in import begin_run, end_run

JOBS = 10_000
WARM_JOBS = 500
MAX_NEW_SECONDS, MAX_PART_SECONDS, MAX_KNOWN_MS = 3, 1, 150

ROUNDS = 3
"""Users who take the board in, of whom the median counts."""

MAKE_USERS = text(
    "INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(0, CAST(:number AS int)) n"
    " RETURNING user_id"
)


def taking_in() -> Findings:
    """Measure a company whose jobs are all new, then all known and unchanged."""
    warm, *users = [row.user_id for row in run_statement(MAKE_USERS, number=ROUNDS)]
    for _ in range(2):
        _take_in(warm, _board("warm", WARM_JOBS))
    board_id = _board("large", JOBS)
    kinds = {}
    for kind in ("new", "known, unchanged"):
        run_long_statement(text("VACUUM ANALYZE"))
        kinds[kind] = [_take_in(user, board_id) for user in users]
    what, [new, known] = f"taking in a company of {JOBS:,} jobs", kinds.values()
    parts = [seconds for times in new for seconds in times]
    seconds, known_ms = median(map(sum, new)), median(map(sum, known)) * 1000
    found = f"{seconds:.2f} s in {len(new[0])} parts, the longest {max(parts):.2f} s"
    is_met = seconds <= MAX_NEW_SECONDS and max(parts) <= MAX_PART_SECONDS
    yield Finding(f"{what}: new", f"≤ {MAX_NEW_SECONDS} s in parts, none above {MAX_PART_SECONDS} s", found, is_met)
    yield at_most(f"{what}: known, unchanged", MAX_KNOWN_MS, "ms", known_ms, f"{known_ms:.0f} ms")


def _board(name: str, postings: int) -> int:
    """Return the id of a board of this many postings, which is made if there is none. Commits."""
    rows = run_statement(text("SELECT board_id FROM boards WHERE board = :name"), name=name)
    board_id = int(rows[0].board_id) if rows else make_board(name)
    store(board_id, make_postings(postings))
    return board_id


def _take_in(user_id: int, board_id: int) -> list[float]:
    """Take the board in by a run of this user; return the seconds of each part. The first one has the reading. Commits.
    """
    run_id = begin_run(user_id, board_id)
    times = [time.perf_counter()]

    def note_time() -> bool:
        times.append(time.perf_counter())
        return False

    assert services.take_in(run_id, note_time)
    times.append(time.perf_counter())
    end_run(run_id)
    # The second time is that before the company.
    return [after - before for before, after in zip([times[0], *times[2:]], times[2:], strict=False)]
