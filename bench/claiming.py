"""Claims of boards while many units wait. ``bench.in_process`` runs this."""

import time
from collections import deque
from collections.abc import Mapping
from statistics import median

from sqlalchemy import text

from app.db.execute import run_long_statement
from app.services.boards import leases
from app.services.boards.claim import Claim
from app.services.boards.claims import claim_wanted
from app.services.boards.readable import all_versions
from app.services.boards.times import BoardTimes
from bench.findings import Findings, at_most, milliseconds, plain
from bench.profiles import where_time_goes

PREVIEWS, RUNS = 50, 50
REQUESTERS = PREVIEWS + RUNS
UNITS = 1_000
"""Waiting units of each preview and of each run."""

HELD = 16
"""Boards that are held at a time: those of two readers."""

CLAIMS = 1_000
MAX_CLAIM_MS = 2

LAST_SOURCE = "lever"
"""The source of the last unit of each requester; all others wait for Greenhouse."""

UNITS_OF = (
    "INSERT INTO {units} (position, company_id, board_id, source, board, name, fresh_after, {key}{columns})"
    f" SELECT 1 + mod(n - 1, {UNITS}), n, board_id, source, board, board, clock_now() - interval '10 min',"
    " {key}{values} FROM (SELECT *, CAST(substr(board, 7) AS int) AS n FROM boards) b"
    " JOIN (SELECT {id} AS {key}, row_number() OVER (ORDER BY {id}) + {before} AS place FROM {table}) p"
    f" ON place = 1 + (n - 1) / {UNITS}"
)
MADE = (
    f"INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, {REQUESTERS}) n",
    "INSERT INTO previews (user_id, settings_hash, deadline_at)"
    " SELECT user_id, repeat('0', 64), clock_now() + interval '1 h' FROM users"
    f" ORDER BY user_id LIMIT {PREVIEWS}",
    "INSERT INTO ingestion_runs (user_id, status, started_at, deadline_at)"
    " SELECT user_id, 'initializing', clock_now(), clock_now() + interval '1 h' FROM users"
    f" ORDER BY user_id OFFSET {PREVIEWS}",
    f"INSERT INTO boards (source, board) SELECT CASE mod(n, {UNITS}) WHEN 0 THEN '{LAST_SOURCE}' ELSE 'greenhouse' END,"
    f" 'board-' || n FROM generate_series(1, {REQUESTERS * UNITS}) n",
    UNITS_OF.format(
        units="preview_companies", table="previews", id="preview_id", key="preview_id", before=0, columns="", values=""
    ),
    UNITS_OF.format(
        units="run_companies", table="ingestion_runs", id="id", key="run_id", before=PREVIEWS,
        columns=", is_baseline", values=", false",
    ),
)


def claims() -> Findings:
    """Measure claims with all sources readable, with one, and with none that anybody waits for."""
    for statement in (*MADE, "VACUUM ANALYZE"):
        run_long_statement(text(statement))
    versions = all_versions()
    kinds = {
        "": versions,
        ", all systems but one held back": {LAST_SOURCE: versions[LAST_SOURCE]},
        ", nothing to claim: all systems of these boards held back": {
            key: version for key, version in versions.items() if key not in ("greenhouse", LAST_SOURCE)
        },
    }
    for kind, readable in kinds.items():
        seconds, claimed = _claim_repeatedly(readable)
        found = f"{milliseconds(seconds)} ({claimed:,} of {CLAIMS:,} got a board)"
        what = f"a claim with {REQUESTERS * UNITS:,} waiting units of previews and runs{kind}"
        yield at_most(f"{what}: p50", MAX_CLAIM_MS, "ms", median(seconds) * 1000, found)
    _, shares = where_time_goes(lambda: _claim_repeatedly(versions))
    yield plain("a claim: where the time goes", shares)


def _claim_repeatedly(readable: Mapping[str, int]) -> tuple[list[float], int]:
    """Claim again and again, and release the board held longest; return the times, and how many claims got a board."""
    times, held, seconds, claimed = BoardTimes(), deque[Claim](), [], 0
    claim_wanted(readable, times)
    for _ in range(CLAIMS):
        began = time.perf_counter()
        claim = claim_wanted(readable, times)
        seconds.append(time.perf_counter() - began)
        if claim:
            claimed += 1
            held.append(claim)
        if len(held) > HELD:
            leases.release([held.popleft()])
    leases.release(held)
    return seconds, claimed
