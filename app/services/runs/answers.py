"""Stand-in."""

from typing import Any

from sqlalchemy import Row, text

from app.db.execute import run_statement

ANSWER = text("""
    WITH run AS (SELECT id FROM ingestion_runs WHERE id = :run_id AND status IN ('initializing', 'ingesting')
                 FOR NO KEY UPDATE),
    answers AS (
        SELECT u.run_id, u.position, b.content_began_at >= u.fresh_after AS has_content, b.content_listing_id,
               l.listing_id, l.code, l.sentence
        FROM run JOIN run_companies AS u ON u.run_id = run.id JOIN boards AS b USING (board_id)
        LEFT JOIN listings AS l ON l.listing_id = b.listing_id AND l.state = 'failed' AND b.failed_until > clock_now()
        WHERE u.state = 'waiting' AND (b.content_began_at >= u.fresh_after OR l.listing_id IS NOT NULL)
        FOR NO KEY UPDATE OF u)
    UPDATE run_companies AS u SET state = CASE WHEN has_content THEN 'read' ELSE 'failed' END,
        listing_id = CASE WHEN has_content THEN a.content_listing_id ELSE a.listing_id END,
        outcome = CASE WHEN has_content THEN 'ok' ELSE a.code END, detail = a.sentence, changed_at = clock_now()
    FROM answers AS a WHERE u.run_id = a.run_id AND u.position = a.position RETURNING u.position
""")
WAITING = text("""
    SELECT count(*) AS units, count(*) FILTER (WHERE b.lease_until > clock_now()) AS being_read
    FROM run_companies AS u JOIN boards AS b USING (board_id) JOIN ingestion_runs AS r ON r.id = u.run_id
    WHERE u.run_id = :run_id AND u.state = 'waiting' AND r.status IN ('initializing', 'ingesting')
""")


def answer_run(run_id: int) -> int:
    return len(run_statement(ANSWER, run_id=run_id))


def waiting(run_id: int) -> Row[Any]:
    return run_statement(WAITING, run_id=run_id)[0]
