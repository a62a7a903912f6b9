"""Stand-in."""

from collections.abc import Callable

from sqlalchemy import text

from app.db.execute import run_statement

RUN = "WITH run AS (SELECT id FROM ingestion_runs WHERE id = :run_id AND status IN {} FOR NO KEY UPDATE)"
TAKE_IN = text(RUN.format("('ingesting')") + """,
    chosen AS (SELECT u.run_id, u.position, u.state FROM run JOIN run_companies AS u ON u.run_id = run.id
        WHERE (u.state = 'read' AND u.matched IS NOT NULL) OR (u.state = 'failed' AND u.expired_jobs IS NULL)
        ORDER BY u.position LIMIT 1 FOR NO KEY UPDATE OF u)
    UPDATE run_companies AS u SET state = CASE WHEN u.state = 'read' THEN 'taken_in' ELSE u.state END,
        new_jobs = CASE WHEN u.state = 'read' THEN u.matched ELSE 0 END,
        unchanged_jobs = CASE WHEN u.state = 'read' THEN 0 END, expired_jobs = 0, parts = u.parts + 1
    FROM chosen WHERE u.run_id = chosen.run_id AND u.position = chosen.position RETURNING u.position
""")
GIVE_UP = text(RUN.format("('initializing', 'ingesting')") + """,
    chosen AS (SELECT u.run_id, u.position, u.matched FROM run JOIN run_companies AS u ON u.run_id = run.id
        WHERE u.state = 'read' ORDER BY u.matched NULLS FIRST, u.position LIMIT 1 FOR NO KEY UPDATE OF u),
    failed AS (
        UPDATE run_companies AS u SET state = 'failed', outcome = 'out_of_time',
            detail = 'This product failed to take in this company. The operator''s log has the reason.'
        FROM chosen WHERE u.run_id = chosen.run_id AND u.position = chosen.position
        RETURNING u.run_id, coalesce(chosen.matched, 0) AS matched)
    UPDATE ingestion_runs SET total_jobs = total_jobs - failed.matched FROM failed WHERE id = failed.run_id
    RETURNING id
""")


def take_in(run_id: int, is_over: Callable[[], bool]) -> bool:
    while not is_over():
        if not run_statement(TAKE_IN, run_id=run_id):
            return True
    return False


def give_up(run_id: int) -> None:
    run_statement(GIVE_UP, run_id=run_id)
