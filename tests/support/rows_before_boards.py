"""Rows of the version before boards were shared, inserted with plain SQL."""

from typing import Any

from tests.support.factories import sql

BEFORE_BOARDS = "c08d5e2b7f61"
"""The last migration before boards were shared."""

HEAD = "b3e8c5a1d746"
"""The last migration that belongs to shared boards."""

USERS = "INSERT INTO users (email, password_hash, epoch) SELECT 'u' || n, 'h', n FROM generate_series(1, 9) n"

# Users share two boards, and each has one of their own. The columns of a listing are set in most combinations.
COMPANIES = (
    """
    INSERT INTO companies (user_id, source, board, name, enabled, include, exclude, created_at, updated_at)
    SELECT user_id, source, coalesce(board, 'own' || user_id), 'C ' || user_id, user_id % 3 > 0, ARRAY['a', 'ä'],
        ARRAY['%', '\\:b'], '2020-01-01', '2020-01-02'
    FROM users CROSS JOIN (VALUES ('greenhouse', 'acme'), ('lever', 'acme'), ('lever', NULL)) given (source, board)
    """,
    """
    UPDATE companies SET listed_at = '2020-01-03', outcome = CASE WHEN user_id % 3 = 0 THEN 'gone' ELSE 'ok' END,
        outcome_detail = 'd', postings = 3, etag = '"old"', last_modified = 'yesterday', read_at = '2020-01-03',
        schema_version = 1
    WHERE user_id % 4 > 0
    """,
)

# Previews 1 to 4 are unfinished, 5 to 8 finished. The postings of preview 50 are still to be removed.
PREVIEWS = (
    """
    INSERT INTO previews (user_id, settings_hash, deadline_at, finished_at, dispatched_at, dispatch_count)
    SELECT user_id, repeat('a', 64), now() + interval '1 h', CASE WHEN user_id > 4 THEN now() END, now(), 2
    FROM users WHERE user_id < 9 ORDER BY user_id
    """,
    """
    INSERT INTO preview_companies (preview_id, position, company_id, source, board, name, state, lease_until, lease_id,
        attempt, not_before, outcome, detail, retry_at, is_complete, found, taken, unread, listed_at)
    SELECT preview_id, position, 1, 'lever', CASE position WHEN 1 THEN 'acme' ELSE 'removed' || position END, 'N',
        given.state, lease_until, CASE WHEN lease_until IS NOT NULL THEN gen_random_uuid() END, attempt,
        CASE attempt WHEN 2 THEN now() END, outcome, outcome, CASE outcome WHEN 'throttled' THEN now() END,
        outcome = 'ok', found, found, found, CASE WHEN outcome IS NOT NULL THEN now() END
    FROM previews JOIN (VALUES
        (1, 'waiting', NULL, 0, NULL, NULL), (2, 'waiting', NULL, 2, NULL, NULL),
        (3, 'listing', now() + interval '30 s', 1, NULL, NULL), (4, 'listing', now() - interval '1 h', 3, NULL, NULL),
        (5, 'listed', NULL, 1, 'ok', 3), (6, 'listed', NULL, 1, 'empty', 0), (7, 'failed', NULL, 1, 'throttled', NULL)
    ) given (position, state, lease_until, attempt, outcome, found)
    ON finished_at IS NULL OR state IN ('listed', 'failed')
    """,
    """
    INSERT INTO preview_postings (preview_id, position, external_id, title, url, taken, rule_kind)
    SELECT preview_id, 5, n, 'T', 'u', true, 'no_filter' FROM previews CROSS JOIN generate_series(1, 3) n
    UNION ALL SELECT 50, 5, 1, 'T', 'u', true, 'no_filter'
    """,
    "INSERT INTO removed_previews VALUES (50), (51)",
)

# Users 1 and 2 started their runs from previews, an unfinished one and a finished one.
RUNS = (
    """
    INSERT INTO ingestion_runs (user_id, status, total_jobs, jobs_ready, jobs_skipped, jobs_expired, jobs_failed,
        created_at, started_at, finished_at, error_message, preview_id, idempotency_key, request_fingerprint)
    SELECT user_id, status, CASE user_id % 3 WHEN 0 THEN NULL WHEN 1 THEN 7 ELSE -1 END, NULLIF(user_id, 3), 1000000,
        -5, NULL, '2020-01-01', CASE user_id % 2 WHEN 0 THEN '2020-01-02'::timestamptz END,
        CASE WHEN is_ended THEN '2019-01-01'::timestamptz END, CASE status WHEN 'error' THEN 'odd: 100 %' END,
        CASE user_id WHEN 1 THEN 1 WHEN 2 THEN 5 END,
        CASE WHEN user_id % 2 = 0 THEN 'key' || status END, CASE WHEN user_id % 2 = 0 THEN '\\x01'::bytea END
    FROM users JOIN (VALUES
        (1, 'pending', false), (2, 'initializing', false), (3, 'ingesting', false), (0, 'finished', true),
        (0, 'error', true), (0, 'aborted', true)
    ) given (number, status, is_ended) ON number IN (0, user_id)
    """,
    "UPDATE ingestion_runs SET status = 'initializing' WHERE user_id = 1 AND status = 'pending'",
    """
    INSERT INTO jobs (run_id, user_id, company, external_id, url, status, title, simhash, error_message)
    SELECT CASE position % 2 WHEN 0 THEN id END, user_id, 'lever:acme', id || '/' || position, 'u', jobs_status, NULL,
        -9223372036854775808, 'e'
    FROM ingestion_runs CROSS JOIN unnest(ARRAY['pending', 'ready', 'skipped', 'expired', 'error'])
        WITH ORDINALITY given (jobs_status, position)
    """,
)

OTHERS = (
    """
    INSERT INTO credentials (user_id, kind, name, secret_hash, epoch, expires_at)
    SELECT user_id, kind, 'n', uuid_send(gen_random_uuid()), user_id, CASE kind WHEN 'token' THEN now() END
    FROM users CROSS JOIN unnest(ARRAY['session', 'token']) kind
    """,
    "INSERT INTO heartbeats VALUES ('worker', 'a', '2020-01-01'), ('reconciler', 'b', now())",
)

KEPT = {
    "users": (),
    "companies": (
        "board_id", "listed_at", "outcome", "outcome_detail", "postings", "etag", "last_modified", "read_at",
        "schema_version",
    ),
    "ingestion_runs": ("preview_id",),
    "run_events": (),
    "jobs": (),
    "credentials": (),
    "heartbeats": (),
}
"""The tables whose rows every migration of shared boards keeps, with the columns that come and go."""


def insert_rows_before_boards() -> None:
    """Insert users with everything they had in that version, in all states. The tables must be those of it."""
    for statement in (USERS, *COMPANIES, *PREVIEWS, *RUNS, *OTHERS):
        sql(statement)


def kept_rows() -> dict[str, list[Any]]:
    """Return the rows of the tables of KEPT."""
    return {
        table: [
            each.values
            for each in sql(
                f"SELECT to_jsonb(kept) - CAST(:columns AS text[]) AS values FROM {table} kept ORDER BY 1",
                columns=list(columns),
            )
        ]
        for table, columns in KEPT.items()
    }
