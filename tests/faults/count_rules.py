"""The rules of runs and their companies: their states fit each other, and their counts add up."""

from tests.faults.audited_rows import ENDED, EVENTS, RUNS, UNITS

CHANGED = f"""
SELECT run_id, board_id, job_id, posting_id, bool_or(kind = 'expired') AS has_expired,
       min(CASE kind WHEN 'new' THEN 1 WHEN 'reopened' THEN 2 WHEN 'changed' THEN 3 END) AS kind,
       min(listing_id) FILTER (WHERE kind <> 'expired') AS first_listing,
       max(listing_id) FILTER (WHERE kind <> 'expired') AS last_listing
FROM ({EVENTS}) AS events GROUP BY run_id, board_id, job_id, posting_id
"""
"""The jobs that each run changed. A job counts once a run: as new, else as reopened, else as changed."""

IS_OFFERED = """
NOT EXISTS (
    SELECT FROM posting_events AS told WHERE told.posting_id = changed.posting_id
    AND told.kind IN ('missing', 'closed') AND told.listing_id <= last_listing AND NOT EXISTS (
        SELECT FROM posting_events AS later WHERE later.posting_id = told.posting_id
        AND later.event_id > told.event_id AND later.kind IN ('changed', 'reopened')
        AND later.listing_id <= last_listing
    )
)
"""
"""The condition that a posting was certainly on offer: one that is found again without a change has no event."""

COUNTED = f"""
SELECT run_id, board_id, count(*) FILTER (WHERE kind = 1) AS new, count(*) FILTER (WHERE kind = 2) AS reopened,
       count(*) FILTER (WHERE kind = 3) AS changed, count(*) FILTER (WHERE has_expired) AS expired,
       count(*) FILTER (WHERE kind = 1 AND {IS_OFFERED}) AS sure_new,
       count(*) FILTER (WHERE kind = 2 AND {IS_OFFERED}) AS sure_reopened,
       count(*) FILTER (WHERE kind = 3 AND {IS_OFFERED}) AS sure_changed,
       min(first_listing) AS first_listing, max(last_listing) AS last_listing
FROM ({CHANGED}) AS changed GROUP BY run_id, board_id
"""

TOLD = f"""
SELECT units.*, coalesce(counted.new, 0) AS told_new, coalesce(counted.changed, 0) AS told_changed,
       coalesce(counted.reopened, 0) AS told_reopened, coalesce(counted.expired, 0) AS told_expired,
       coalesce(sure_new, 0) AS sure_new, coalesce(sure_changed, 0) AS sure_changed,
       coalesce(sure_reopened, 0) AS sure_reopened,
       coalesce(first_listing = listing_id AND last_listing = listing_id, true) AS is_of_one_listing,
       include = '{{}}' AND exclude = '{{}}' AS takes_all,
       EXISTS (SELECT FROM run_closings WHERE run_closings.run_id = units.run_id) AS has_asked
FROM ({UNITS}) AS units LEFT JOIN ({COUNTED}) AS counted USING (run_id, board_id)
"""
"""The companies of runs, each with the numbers of the jobs that its run's events tell of."""

SUMS = f"""
SELECT runs.id, runs.status, total_jobs, jobs_ready, jobs_skipped, jobs_expired, jobs_failed, summed.*
FROM ({RUNS}) AS runs CROSS JOIN LATERAL (
    SELECT coalesce(sum(matched) FILTER (WHERE state <> 'failed'), 0) AS total,
           coalesce(sum(new_jobs + changed_jobs + reopened_jobs) FILTER (WHERE state = 'taken_in'), 0) AS ready,
           coalesce(sum(unchanged_jobs) FILTER (WHERE state = 'taken_in'), 0) AS skipped,
           coalesce(sum(expired_jobs), 0) AS expired,
           coalesce(sum(unparsed) FILTER (WHERE state = 'taken_in'), 0) AS failed
    FROM run_companies WHERE run_id = runs.id
) AS summed
WHERE runs.companies_total IS NOT NULL
"""

RULES = {
    "a company's counts are numbers of its postings": f"""
        SELECT run_id, position, state, found, matched, parts, unparsed FROM ({UNITS}) AS units
        WHERE least(found, matched, unparsed, parts, new_jobs, changed_jobs, reopened_jobs, unchanged_jobs,
                    expired_jobs, held_closings) < 0
           OR matched > found OR (matched IS NULL) <> (found IS NULL)""",
    "a company that was taken in counts each match once": f"""
        SELECT run_id, position, matched, new_jobs, changed_jobs, reopened_jobs, unchanged_jobs, expired_jobs, parts
        FROM ({UNITS}) AS units
        WHERE state = 'taken_in' AND (
            matched IS DISTINCT FROM new_jobs + changed_jobs + reopened_jobs + unchanged_jobs
            OR unchanged_jobs IS NULL OR expired_jobs IS NULL OR parts < 1)""",
    "a company counts only what is done": f"""
        SELECT run_id, position, state, matched, parts, unchanged_jobs, expired_jobs FROM ({UNITS}) AS units
        WHERE state <> 'taken_in' AND unchanged_jobs IS NOT NULL
           OR state IN ('waiting', 'read') AND expired_jobs IS NOT NULL
           OR state = 'waiting' AND (matched IS NOT NULL OR parts > 0)
           OR parts = 0 AND new_jobs + changed_jobs + reopened_jobs > 0""",
    "a company counts no more jobs than its events tell of": f"""
        SELECT run_id, position, new_jobs, told_new, changed_jobs, told_changed, reopened_jobs, told_reopened
        FROM ({TOLD}) AS told
        WHERE new_jobs > told_new OR changed_jobs > told_changed OR reopened_jobs > told_reopened""",
    "a company that was taken in counts the jobs of its events": f"""
        SELECT run_id, position, new_jobs, sure_new, changed_jobs, sure_changed, reopened_jobs, sure_reopened
        FROM ({TOLD}) AS told
        WHERE state = 'taken_in' AND found > 0 AND is_of_one_listing AND (
            new_jobs < sure_new OR takes_all AND listing_state IN ('complete', 'unchanged')
            AND (changed_jobs < sure_changed OR reopened_jobs < sure_reopened))""",
    "a company's expired jobs are those of its events": f"""
        SELECT run_id, position, state, expired_jobs, told_expired FROM ({TOLD}) AS told
        WHERE NOT has_asked AND (expired_jobs IS NOT NULL AND expired_jobs <> told_expired OR held_closings > 0)
           OR has_asked AND coalesce(expired_jobs, 0) <> 0""",
    "a run's total is the sum of its companies": f"""
        SELECT id, status, total_jobs, total FROM ({SUMS}) AS sums WHERE total_jobs IS DISTINCT FROM total""",
    "a finished run's numbers are the sums of its companies": f"""
        SELECT * FROM ({SUMS}) AS sums
        WHERE status = 'finished' AND (
            (jobs_ready, jobs_skipped, jobs_expired, jobs_failed) IS DISTINCT FROM (ready, skipped, expired, failed)
            OR total_jobs <> jobs_ready + jobs_skipped)""",
    "a run has numbers only if it finished": f"""
        SELECT id, status, jobs_ready, jobs_skipped, jobs_expired, jobs_failed FROM ({RUNS}) AS runs
        WHERE status <> 'finished' AND num_nonnulls(jobs_ready, jobs_skipped, jobs_expired, jobs_failed) > 0""",
    "a run has the companies that it counts": f"""
        SELECT * FROM (
            SELECT id, companies_total, count(units.run_id) AS number, max(position) AS last_position,
                   count(DISTINCT company_id) AS companies, count(DISTINCT board_id) AS boards
            FROM ({RUNS}) AS runs LEFT JOIN run_companies AS units ON units.run_id = runs.id
            WHERE companies_total IS NOT NULL GROUP BY id, companies_total
        ) AS counted
        WHERE number <> companies_total OR coalesce(last_position, 0) <> number OR companies <> number
           OR boards <> number""",
    "a finished run has ended each company": f"""
        SELECT run_id, position, state, expired_jobs FROM ({UNITS}) AS units
        WHERE status = 'finished' AND (state IN ('waiting', 'read') OR expired_jobs IS NULL)""",
    "a run in which no company waits ends as its companies did": f"""
        SELECT runs.id, runs.status, counted.* FROM ({RUNS}) AS runs CROSS JOIN LATERAL (
            SELECT count(*) AS number, count(*) FILTER (WHERE state = 'taken_in') AS taken_in,
                   count(*) FILTER (WHERE state = 'failed') AS failed
            FROM run_companies WHERE run_id = runs.id
        ) AS counted
        WHERE runs.status = 'finished' AND number > 0 AND taken_in = 0
           OR runs.status = 'error' AND taken_in > 0 AND taken_in + failed = number""",
    "a run takes companies in only after its last board": f"""
        SELECT run_id, position, units.status, state, parts, pinned_listing_id FROM ({UNITS}) AS units
        WHERE (units.status = 'pending' AND state <> 'waiting')
           OR (parts > 0 OR state = 'taken_in' OR pinned_listing_id IS NOT NULL) AND NOT EXISTS (
              SELECT FROM run_events AS moves WHERE moves.run_id = units.run_id AND to_status = 'ingesting')
           OR units.status IN ('ingesting', 'finished') AND state = 'waiting'""",
    "a run's companies stay as they were at its end": f"""
        SELECT units.run_id, position, changed_at, ended_at FROM ({UNITS}) AS units
        -- Not finished_at: an abort sets it before it waits for the lock of a write. Its event follows the lock.
        JOIN (SELECT run_id, max(at) AS ended_at FROM run_events WHERE to_status IN {ENDED} GROUP BY run_id) AS ends
             ON ends.run_id = units.run_id
        WHERE changed_at > ended_at""",
    "a company's listing is one of its board, and was read in time": f"""
        SELECT run_id, position, units.state, units.listing_id, listings.board_id, units.board_id
        FROM ({UNITS}) AS units LEFT JOIN listings USING (listing_id)
        WHERE units.state IN ('read', 'taken_in') AND units.listing_id IS NULL
           OR units.listing_id IS NOT NULL AND (
              listings.board_id IS DISTINCT FROM units.board_id OR listings.state = 'reading'
              OR listings.state IS DISTINCT FROM units.listing_state
              OR units.state IN ('read', 'taken_in') AND (
                  listings.state = 'failed' OR listings.began_at < fresh_after OR listings.ended_at <> read_at
                  OR listings.unparsed IS DISTINCT FROM units.unparsed OR listings.code <> units.outcome))""",
    "a company offers what its whole listing has": f"""
        SELECT run_id, position, units.found, listings.found FROM ({UNITS}) AS units JOIN listings USING (listing_id)
        WHERE units.state = 'taken_in' AND listings.state IN ('complete', 'unchanged') AND listings.unparsed = 0
          AND units.found NOT IN (0, listings.found)""",
    "a company is pinned to a listing of its board": f"""
        SELECT run_id, position, pinned_listing_id FROM ({UNITS}) AS units
        LEFT JOIN listings ON listings.listing_id = pinned_listing_id
        WHERE pinned_listing_id IS NOT NULL
          AND (listings.board_id IS DISTINCT FROM units.board_id OR listings.state = 'reading')""",
    "a run keeps the promise of its preview": f"""
        SELECT run_id, units.position, units.previewed, units.matched, told.matched AS listed FROM ({UNITS}) AS units
        JOIN preview_companies AS told ON told.preview_id = units.preview_id AND told.company_id = units.company_id
        WHERE units.previewed IS NOT NULL AND (
            told.state <> 'listed' OR told.matched <> units.previewed OR told.board_id <> units.board_id
            OR told.listing_id = units.listing_id AND units.found > 0 AND units.matched <> units.previewed)""",
    "a run promises the sum of its companies": f"""
        SELECT runs.id, runs.previewed, promised FROM ({RUNS}) AS runs CROSS JOIN LATERAL (
            SELECT coalesce(sum(previewed), 0) AS promised FROM run_companies WHERE run_id = runs.id
        ) AS summed
        WHERE runs.previewed IS NOT NULL AND runs.previewed <> promised""",
}
