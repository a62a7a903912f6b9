"""Claims of boards while many units wait. ``bench.in_process`` runs this."""

import time
from collections import deque
from collections.abc import Mapping

from sqlalchemy import text

from app.db.execute import run_long_statement
from app.services.boards import leases
from app.services.boards.claim import Claim
from app.services.boards.claims import claim_wanted
from app.services.boards.readable import all_versions
from app.services.boards.times import BoardTimes
from bench.findings import Finding, Findings, milliseconds

PREVIEWS = 100
UNITS = 1_000
"""Waiting units of each preview."""

HELD = 16
"""Boards that are held at a time: those of two readers."""

CLAIMS = 1_000

LAST_SOURCE = "lever"
"""The source of the last unit of each preview; all others wait for Greenhouse."""

MADE = (
    f"INSERT INTO users (email) SELECT n || '@example.org' FROM generate_series(1, {PREVIEWS}) n",
    "INSERT INTO previews (user_id, settings_hash, deadline_at)"
    " SELECT user_id, repeat('0', 64), clock_now() + interval '1 h' FROM users",
    f"INSERT INTO boards (source, board) SELECT CASE mod(n, {UNITS}) WHEN 0 THEN '{LAST_SOURCE}' ELSE 'greenhouse' END,"
    f" 'board-' || n FROM generate_series(1, {PREVIEWS * UNITS}) n",
    "INSERT INTO preview_companies (preview_id, position, company_id, board_id, source, board, name, fresh_after)"
    f" SELECT preview_id, 1 + mod(n - 1, {UNITS}), n, board_id, source, board, board, clock_now() - interval '10 min'"
    " FROM (SELECT *, CAST(substr(board, 7) AS int) AS n FROM boards) b"
    " JOIN (SELECT preview_id, row_number() OVER (ORDER BY preview_id) AS place FROM previews) p"
    f" ON place = 1 + (n - 1) / {UNITS}",
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
        yield Finding(f"a claim with {PREVIEWS * UNITS:,} waiting units{kind}", "≤ 2 ms", found)


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
