"""The rules of jobs and their events: each change has an event, and no job expires without two witnesses."""

from tests.faults.audited_rows import EVENTS, JOBS, RUNS, UNITS

EXPIRED = f"""
SELECT events.event_id, events.job_id, events.run_id, events.user_id, events.posting_id, events.board_id,
       events.reason, events.at, first.listing_id AS first_id, last.listing_id AS last_id,
       first.board_id AS first_board, last.board_id AS last_board, first.state AS first_state,
       last.state AS last_state, last.code AS last_code, last.found AS last_found, last.ended_at AS last_ended,
       extract(epoch FROM last.began_at - first.began_at) AS seconds
FROM ({EVENTS}) AS events
LEFT JOIN listings AS first ON first.listing_id = events.witness_listing_id
LEFT JOIN listings AS last ON last.listing_id = events.listing_id
WHERE events.kind = 'expired'
"""
"""The expired jobs, each with its two witnesses."""

LIVES = f"""
SELECT event_id, job_id, kind, lag(kind) OVER life AS before,
       max(event_id) FILTER (WHERE kind = 'expired') OVER earlier
           > max(event_id) FILTER (WHERE kind IN ('new', 'reopened')) OVER earlier AS is_gone
FROM ({EVENTS}) AS events
WINDOW life AS (PARTITION BY job_id ORDER BY event_id),
       earlier AS (life ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""

LAST = f"""
SELECT DISTINCT ON (job_id) job_id, event_id, run_id, at, kind, revision_id, listing_id FROM ({EVENTS}) AS events
ORDER BY job_id, event_id DESC
"""
"""The last event of each job."""

COPIED = (
    "title", "url", "locations", "department", "workplace", "employment_type", "pay", "posted_at", "description",
    "requirements", "simhash", "external_id", "board_id",
)
"""The columns that a job has from its revision."""

RULES = {
    "an expired job has two named witnesses of its board": f"""
        SELECT event_id, job_id, reason, board_id, first_id, first_board, last_id, last_board
        FROM ({EXPIRED}) AS expired
        WHERE first_id IS NULL OR last_id IS NULL OR reason IS NULL OR first_id >= last_id
           OR first_board IS DISTINCT FROM board_id OR last_board IS DISTINCT FROM board_id""",
    "a job expires as unseen by two whole listings, apart": f"""
        SELECT event_id, job_id, first_id, first_state, last_id, last_state, seconds FROM ({EXPIRED}) AS expired
        WHERE reason = 'unseen' AND (
            first_state NOT IN ('complete', 'unchanged', 'held') OR last_state NOT IN ('complete', 'unchanged')
            OR seconds < %(witness)s)""",
    "a job expires with an empty board by the third empty listing": f"""
        SELECT event_id, job_id, first_id, first_state, last_id, last_state, last_found FROM ({EXPIRED}) AS expired
        WHERE reason = 'board_empty' AND (
            first_state NOT IN ('empty', 'complete', 'unchanged') OR last_state <> 'complete'
            OR last_found > 0 OR seconds < %(empty)s)""",
    "a job expires with a board that is gone by two such answers": f"""
        SELECT event_id, job_id, first_id, first_state, last_id, last_state, last_code FROM ({EXPIRED}) AS expired
        WHERE reason = 'board_gone' AND (
            first_state NOT IN ('failed', 'complete', 'unchanged') OR last_state <> 'failed'
            OR last_code NOT IN ('not_found', 'gone') OR seconds < %(gone)s)""",
    "an expired job's posting was closed by the same witnesses": f"""
        SELECT event_id, job_id, reason, first_id, last_id FROM ({EXPIRED}) AS expired
        WHERE NOT EXISTS (
            SELECT FROM posting_events AS told WHERE told.posting_id = expired.posting_id AND told.kind = 'closed'
            AND told.reason = expired.reason AND told.listing_id = last_id AND told.witness_listing_id = first_id)""",
    "no listing between two witnesses tells of the posting": f"""
        SELECT expired.event_id, job_id, first_id, last_id, told.kind, told.listing_id FROM ({EXPIRED}) AS expired
        JOIN posting_events AS told USING (posting_id)
        WHERE told.listing_id BETWEEN first_id AND last_id
          AND (told.kind, told.listing_id) NOT IN (('missing', first_id), ('closed', last_id))""",
    "no listing between two witnesses stored a content of the posting": f"""
        SELECT event_id, job_id, first_id, last_id, revisions.listing_id, revisions.revision_id
        FROM ({EXPIRED}) AS expired JOIN postings USING (posting_id)
        JOIN listings ON listings.board_id = postings.board_id AND listings.listing_id BETWEEN first_id AND last_id
        JOIN posting_revisions AS revisions ON revisions.listing_id = listings.listing_id
             AND revisions.external_id = postings.external_id
        WHERE listings.state NOT IN ('reading', 'failed')""",
    "a held listing between two witnesses lacks the posting": f"""
        SELECT event_id, job_id, first_id, last_id, listings.listing_id FROM ({EXPIRED}) AS expired
        JOIN listings ON listings.board_id = expired.board_id AND listings.listing_id BETWEEN first_id AND last_id
        WHERE listings.state = 'held' AND NOT coalesce(posting_id = ANY(lacking), false)""",
    "a job expires by a run that knew the closing, after it": f"""
        SELECT event_id, job_id, expired.run_id, last_id, pinned_listing_id, at, last_ended
        FROM ({EXPIRED}) AS expired LEFT JOIN ({UNITS}) AS units USING (run_id, board_id)
        WHERE pinned_listing_id IS NULL OR last_id > pinned_listing_id OR at < last_ended""",
    "a run changes no job after its end, except by an answer": f"""
        SELECT event_id, job_id, kind, run_id, at, finished_at FROM ({EVENTS}) AS events
        JOIN ({RUNS}) AS runs ON runs.id = run_id
        WHERE at > finished_at AND (runs.status <> 'finished' OR NOT EXISTS (
            SELECT FROM run_closings WHERE run_closings.run_id = events.run_id))""",
    "a job's event fits the one before": f"""
        SELECT * FROM ({LIVES}) AS lives
        WHERE (kind = 'new') <> (before IS NULL) OR (kind = 'reopened') <> coalesce(is_gone, false)""",
    "a job of a posting has events": f"""
        SELECT id, user_id, board_id, posting_id FROM ({JOBS}) AS jobs
        WHERE posting_id IS NOT NULL AND NOT EXISTS (SELECT FROM job_events WHERE job_id = jobs.id)""",
    "a run gives a job each event once": f"""
        SELECT run_id, job_id, kind, count(*) FROM ({EVENTS}) AS events
        GROUP BY run_id, job_id, kind, CASE WHEN kind = 'changed' THEN listing_id END HAVING count(*) > 1""",
    "a job's status is that of its last event": f"""
        SELECT jobs.id, jobs.status, expired_at, kind, at FROM ({JOBS}) AS jobs JOIN ({LAST}) AS last ON job_id = id
        WHERE jobs.status <> CASE kind WHEN 'expired' THEN 'expired' ELSE 'ready' END
           OR expired_at IS DISTINCT FROM CASE kind WHEN 'expired' THEN at END""",
    "a job has the times of its events": f"""
        SELECT jobs.id, created_at, first.at AS first_at, updated_at, last.at AS last_at FROM ({JOBS}) AS jobs
        JOIN ({LAST}) AS last ON last.job_id = id JOIN job_events AS first ON first.job_id = id AND first.kind = 'new'
        WHERE created_at <> first.at OR updated_at < last.at""",
    "a job names the run that last changed it": f"""
        SELECT jobs.id, jobs.run_id, last.run_id AS last_run FROM ({JOBS}) AS jobs JOIN ({LAST}) AS last ON job_id = id
        WHERE jobs.run_id IS DISTINCT FROM last.run_id""",
    "a job's fields are those of its revision": f"""
        SELECT jobs.id, jobs.revision_id FROM ({JOBS}) AS jobs LEFT JOIN posting_revisions AS revisions
               USING (revision_id)
        WHERE jobs.revision_id IS NOT NULL AND (
            ({', '.join(f'jobs.{name}' for name in COPIED)}, location) IS DISTINCT FROM
            ({', '.join(f'revisions.{name}' for name in COPIED)}, array_to_string(revisions.locations, '; ')))""",
    "a job has its last event's content, unless it changed in silence": f"""
        SELECT jobs.id, jobs.revision_id, last.revision_id AS last_revision, kind FROM ({JOBS}) AS jobs
        JOIN ({LAST}) AS last ON job_id = id
        WHERE jobs.revision_id IS NULL OR jobs.revision_id < last.revision_id
           OR jobs.revision_id > last.revision_id AND (kind = 'expired' OR EXISTS (
              SELECT FROM posting_events AS told CROSS JOIN unnest(told.fields) AS field
              CROSS JOIN LATERAL (SELECT to_jsonb(old) -> field AS old FROM posting_revisions AS old
                                  WHERE old.revision_id = last.revision_id) AS old
              CROSS JOIN LATERAL (SELECT to_jsonb(new) -> field AS new FROM posting_revisions AS new
                                  WHERE new.revision_id = jobs.revision_id) AS new
              WHERE told.posting_id = jobs.posting_id AND told.kind = 'changed' AND field <> 'locations'
                AND told.revision_id > last.revision_id AND told.revision_id <= jobs.revision_id
                AND old <> new AND (old <> 'null' OR field NOT IN ('description', 'requirements'))))""",
    "an event's content is its posting's": f"""
        SELECT event_id, job_id, events.revision_id, events.board_id FROM ({EVENTS}) AS events
        LEFT JOIN posting_revisions AS revisions USING (revision_id) LEFT JOIN postings USING (posting_id)
        WHERE revisions.board_id IS DISTINCT FROM events.board_id OR postings.board_id IS DISTINCT FROM events.board_id
           OR revisions.external_id IS DISTINCT FROM postings.external_id""",
    "an event follows a listing of its run's company": f"""
        SELECT event_id, job_id, kind, events.run_id, events.listing_id, units.position FROM ({EVENTS}) AS events
        LEFT JOIN ({UNITS}) AS units USING (run_id, board_id)
        LEFT JOIN listings ON listings.listing_id = events.listing_id
        WHERE units.run_id IS NULL OR listings.board_id IS DISTINCT FROM events.board_id
           OR events.kind <> 'expired' AND (
              units.parts = 0 OR listings.state IN ('reading', 'failed') OR events.listing_id > units.listing_id
              OR events.at < listings.ended_at)""",
    "what a run writes belongs to its user": f"""
        SELECT 'event' AS what, event_id AS id, events.run_id, events.user_id, job_user, runs.user_id AS run_user
        FROM ({EVENTS}) AS events LEFT JOIN ingestion_runs AS runs ON runs.id = run_id
        WHERE job_user IS DISTINCT FROM events.user_id OR runs.user_id IS DISTINCT FROM events.user_id
        UNION ALL SELECT 'job', jobs.id, run_id, jobs.user_id, jobs.user_id, runs.user_id FROM ({JOBS}) AS jobs
        JOIN ingestion_runs AS runs ON runs.id = run_id WHERE runs.user_id <> jobs.user_id
        UNION ALL SELECT 'question', run_id, run_id, closings.user_id, closings.user_id, runs.user_id
        FROM run_closings AS closings JOIN ({RUNS}) AS runs ON runs.id = run_id WHERE closings.user_id <> runs.user_id
        UNION ALL SELECT 'company', company_id, run_id, companies.user_id, companies.user_id, units.user_id
        FROM ({UNITS}) AS units JOIN companies USING (company_id)
        WHERE companies.user_id <> units.user_id
        UNION ALL SELECT 'preview', preview_id, runs.id, previews.user_id, previews.user_id, runs.user_id
        FROM ({RUNS}) AS runs JOIN previews USING (preview_id) WHERE previews.user_id <> runs.user_id
        UNION ALL SELECT 'retried run', earlier.id, runs.id, earlier.user_id, earlier.user_id, runs.user_id
        FROM ({RUNS}) AS runs JOIN ingestion_runs AS earlier ON earlier.id = runs.retry_of
        WHERE earlier.user_id <> runs.user_id""",
}
