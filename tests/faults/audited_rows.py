"""The rows that the audit of runs reads: those of users who are there.

The rows of a removed user go in batches, so they need not add up.
"""

RUNS = "SELECT ingestion_runs.* FROM ingestion_runs JOIN users USING (user_id) WHERE removed_at IS NULL"

UNITS = f"""
SELECT units.*, runs.user_id, runs.status, runs.preview_id, runs.companies_total
FROM run_companies AS units JOIN ({RUNS}) AS runs ON runs.id = units.run_id
"""
"""The companies of runs."""

JOBS = "SELECT jobs.* FROM jobs JOIN users USING (user_id) WHERE removed_at IS NULL"

EVENTS = f"""
SELECT events.*, jobs.user_id AS job_user, jobs.board_id, jobs.posting_id, jobs.status AS job_status
FROM job_events AS events JOIN ({JOBS}) AS jobs ON jobs.id = events.job_id
"""
"""The events of jobs, each with its job's."""
