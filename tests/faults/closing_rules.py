"""The rules of the question that a run asks before it expires unusually many jobs."""

from tests.faults.audited_rows import EVENTS, JOBS, RUNS

MAX_UNASKED, MAX_UNASKED_PERCENT = 50, 20

CLOSINGS = f"""
SELECT closings.*, runs.status, runs.finished_at,
       EXISTS (
           SELECT FROM ingestion_runs AS later JOIN run_events AS moves ON moves.run_id = later.id
           WHERE later.user_id = closings.user_id AND later.id > closings.run_id AND to_status = 'ingesting'
       ) AS has_later,
       (SELECT count(*) FROM job_events AS told WHERE told.run_id = closings.run_id AND kind = 'expired') AS told,
       (SELECT count(*) FROM job_events AS told WHERE told.run_id = closings.run_id AND kind = 'expired'
        AND at IS DISTINCT FROM answered_at) AS told_otherwise,
       (SELECT sum(held_closings) FROM run_companies AS units WHERE units.run_id = closings.run_id) AS held
FROM run_closings AS closings JOIN ({RUNS}) AS runs ON runs.id = closings.run_id
"""

RULES = {
    "a run asks only about unusually many jobs": f"""
        SELECT run_id, count, open FROM ({CLOSINGS}) AS closings
        WHERE count <= {MAX_UNASKED} OR count * 100 <= open * {MAX_UNASKED_PERCENT} OR count > open OR held > count""",
    "a user has one open question, of the last run that counted": f"""
        SELECT run_id, user_id, state FROM ({CLOSINGS}) AS closings
        WHERE (state = 'asked') AND has_later OR state = 'superseded' AND NOT has_later
           OR state = 'asked' AND EXISTS (
              SELECT FROM run_closings AS other WHERE other.user_id = closings.user_id
              AND other.state = 'asked' AND other.run_id <> closings.run_id)""",
    "a question has an answer if it was answered, after the run's end": f"""
        SELECT run_id, state, expire, expired, answered_at, status, finished_at FROM ({CLOSINGS}) AS closings
        WHERE (state = 'answered') <> (answered_at IS NOT NULL) OR (answered_at IS NULL) <> (expire IS NULL)
           OR (answered_at IS NULL) <> (expired IS NULL) OR answered_at < asked_at
           OR answered_at IS NOT NULL AND (finished_at IS NULL OR answered_at < finished_at)""",
    "an answer counts the jobs that it expired": f"""
        SELECT run_id, expire, expired, count, told FROM ({CLOSINGS}) AS closings
        WHERE expired <> told OR expired > count OR NOT expire AND expired > 0""",
    "a run that asked expires nothing but by the answer": f"""
        SELECT run_id, state, expire, told, told_otherwise FROM ({CLOSINGS}) AS closings
        WHERE told > 0 AND expire IS NOT TRUE OR told_otherwise > 0""",
    "a declined closing expires no job": f"""
        SELECT event_id, job_id, events.run_id, listing_id FROM ({EVENTS}) AS events JOIN jobs ON jobs.id = job_id
        WHERE kind = 'expired' AND listing_id = kept_listing_id""",
    "a job that its user kept stays open": f"""
        SELECT jobs.id, jobs.board_id, kept_listing_id, closed_listing_id, closings.run_id
        FROM ({CLOSINGS}) AS closings JOIN run_companies AS units USING (run_id)
        JOIN ({JOBS}) AS jobs ON jobs.user_id = closings.user_id AND jobs.board_id = units.board_id
        JOIN postings USING (posting_id)
        WHERE expire = false AND closed_listing_id <= pinned_listing_id AND jobs.status = 'ready'
          AND kept_listing_id IS DISTINCT FROM closed_listing_id""",
    "a job was kept by its user's answer": f"""
        SELECT jobs.id, jobs.board_id, kept_listing_id FROM ({JOBS}) AS jobs
        WHERE kept_listing_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM run_closings AS closings JOIN run_companies AS units USING (run_id)
            WHERE closings.user_id = jobs.user_id AND units.board_id = jobs.board_id AND expire = false
              AND kept_listing_id <= pinned_listing_id)""",
}
