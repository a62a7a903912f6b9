"""Stand-in."""

from collections.abc import Callable

from sqlalchemy import text

from app.db.execute import run_statement

DECIDE = text("""
    WITH run AS (SELECT id FROM ingestion_runs WHERE id = :run_id AND status IN ('initializing', 'ingesting')
                 FOR NO KEY UPDATE),
    chosen AS (SELECT u.run_id, u.position, u.board_id FROM run JOIN run_companies AS u ON u.run_id = run.id
        WHERE u.state = 'read' AND u.matched IS NULL ORDER BY u.position LIMIT 1 FOR NO KEY UPDATE OF u),
    decided AS (
        UPDATE run_companies AS u SET matched = n, found = n, unparsed = 1, read_at = clock_now()
        FROM chosen, LATERAL (SELECT count(*) AS n FROM postings AS p
                              WHERE p.board_id = chosen.board_id AND p.closed_at IS NULL) AS counted
        WHERE u.run_id = chosen.run_id AND u.position = chosen.position RETURNING u.run_id, u.matched)
    UPDATE ingestion_runs SET total_jobs = coalesce(total_jobs, 0) + decided.matched
    FROM decided WHERE id = decided.run_id RETURNING id
""")


def decide(run_id: int, is_over: Callable[[], bool]) -> bool:
    while not is_over():
        if not run_statement(DECIDE, run_id=run_id):
            return True
    return False
