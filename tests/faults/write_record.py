"""The record of writes: triggers note what each statement writes of runs, and the checker finds what came too late.

A run's end records the snapshot in which it happened. Whoever writes of a run locks it first, so all earlier writers
have committed by then: a transaction that this snapshot does not see has written after the end, or without the lock.
That needs no clock. The record is an ordinary table, so that it loses nothing when PostgreSQL is killed.
"""

from typing import Any

import psycopg

from tests.faults.sql_rules import Rules, broken_rules

TABLE = """
CREATE TABLE write_record (
    number bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(), written text NOT NULL, act text NOT NULL, user_id bigint,
    run_id integer, position integer, was text, became text, rows bigint NOT NULL, same_rows bigint NOT NULL,
    snapshot pg_snapshot
)
"""
INDEXES = (
    "CREATE INDEX ON write_record (xid)",
    "CREATE INDEX ON write_record (run_id) WHERE snapshot IS NOT NULL",
)

ENDED = "('finished', 'error', 'aborted')"

# By table: the user, the run, the company's position and the state of a row, and the table's key.
WRITTEN = {
    "ingestion_runs": ("{0}.user_id, {0}.id, NULL::int", "{0}.status", "id"),
    "run_companies": ("NULL::bigint, {0}.run_id, {0}.position", "{0}.state", "run_id, position"),
    "run_closings": ("{0}.user_id, {0}.run_id, NULL::int", "{0}.state", "run_id"),
    "jobs": ("{0}.user_id, {0}.run_id, NULL::int", "NULL::text", "id"),
    "job_events": ("{0}.user_id, {0}.run_id, NULL::int", "NULL::text", "event_id"),
    "postings": ("NULL::bigint, NULL::int, NULL::int", "NULL::text", "posting_id"),
}

# The columns by which a job differs whenever there is a cause to write it. Its content is that of its revision.
JOB = "{0}.status, {0}.run_id, {0}.company, {0}.posting_id, {0}.revision_id, {0}.expired_at, {0}.kept_listing_id"
IS_SAME = {
    "jobs": f"({JOB.format('before')}) IS NOT DISTINCT FROM ({JOB.format('after')})",
    "postings": "before IS NOT DISTINCT FROM after",
}

# An ended run loses the name of its preview when that is removed.
IS_KEPT = {
    "ingestion_runs": f"""NOT CASE WHEN before.status IN {ENDED} AND after.preview_id IS NULL
        THEN to_jsonb(before) - 'preview_id' = to_jsonb(after) - 'preview_id' ELSE false END""",
    "postings": IS_SAME["postings"],
}

# A nested loop over thousands of rows would take minutes, and PostgreSQL keeps the plan of the first few.
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO write_record (written, act, user_id, run_id, position, was, became, rows, same_rows, snapshot)
    SELECT '{table}', '{act}', {owner}, {was}, {became}, count(*), count(*) FILTER (WHERE {is_same}),
           CASE WHEN {is_end} THEN pg_current_snapshot() END
    FROM {rows} WHERE {is_kept} GROUP BY 3, 4, 5, 6, 7;
    RETURN NULL;
END
$$
"""
TRIGGER = """
CREATE TRIGGER {name} AFTER {act} ON {table} REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION {name}()
"""
ROWS = {
    "INSERT": ("NEW TABLE AS after_rows", "after_rows AS after"),
    "UPDATE": (
        "OLD TABLE AS before_rows NEW TABLE AS after_rows",
        "before_rows AS before JOIN after_rows AS after USING ({key})",
    ),
    "DELETE": ("OLD TABLE AS before_rows", "before_rows AS before"),
}

FORGET = (
    """
    CREATE FUNCTION write_record_forget() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM write_record;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER write_record_forget AFTER TRUNCATE ON ingestion_runs
    FOR EACH STATEMENT EXECUTE FUNCTION write_record_forget()
    """,
)

ENDS = f"""
SELECT DISTINCT ON (run_id) run_id, xid, snapshot, at FROM write_record WHERE snapshot IS NOT NULL
UNION ALL SELECT id, NULL, '1:1:', finished_at FROM ingestion_runs AS runs
WHERE status IN {ENDED} AND NOT EXISTS (
    SELECT FROM write_record AS ends WHERE ends.run_id = runs.id AND snapshot IS NOT NULL)
"""
"""The ends of runs. Of one before the record began, every write is late."""

WRITERS = """
SELECT DISTINCT xid, run_id, written = 'run_closings' AS is_answer FROM write_record
WHERE written = 'run_companies' AND act = 'UPDATE' OR written = 'run_closings' AND became = 'answered'
"""
"""The run for which a transaction writes jobs: it ends a part of a company, or answers the run's question."""

OWNED = f"""
SELECT writes.number, writes.written, act, writes.user_id, writes.run_id, writes.rows, writers.runs[1] AS writer,
       cardinality(writers.runs) AS number_of_writers, runs.user_id AS user_of_writer, at
FROM write_record AS writes
LEFT JOIN (SELECT xid, array_agg(DISTINCT run_id) AS runs FROM ({WRITERS}) AS writers GROUP BY xid) AS writers
     USING (xid)
LEFT JOIN ingestion_runs AS runs ON runs.id = writers.runs[1]
JOIN users ON users.user_id = writes.user_id AND removed_at IS NULL
WHERE writes.written IN ('jobs', 'job_events') AND act <> 'DELETE'
"""
"""The writes of jobs and events, each with its writer."""

LATE_RULES = {
    "a run that has ended is not written": f"""
        SELECT writes.run_id, writes.written, act, rows, position, was, became, writes.at, ends.at AS ended_at
        FROM write_record AS writes JOIN ({ENDS}) AS ends USING (run_id)
        WHERE writes.written IN ('ingestion_runs', 'run_companies', 'job_events') AND act <> 'DELETE'
          AND writes.xid IS DISTINCT FROM ends.xid AND NOT pg_visible_in_snapshot(writes.xid, ends.snapshot)
          AND NOT (writes.written = 'job_events' AND EXISTS (
              SELECT FROM ({WRITERS}) AS writers
              WHERE writers.xid = writes.xid AND writers.run_id = writes.run_id AND is_answer))""",
    "a job is written for one run, of its user": f"""
        SELECT * FROM ({OWNED}) AS owned
        WHERE number_of_writers IS DISTINCT FROM 1 OR user_of_writer IS DISTINCT FROM user_id
           OR (written = 'job_events' OR act = 'INSERT') AND run_id IS DISTINCT FROM writer""",
    "a row of a user is deleted only with them": """
        SELECT writes.written, writes.user_id, run_id, rows, at FROM write_record AS writes JOIN users USING (user_id)
        WHERE act = 'DELETE' AND removed_at IS NULL""",
    "a company ends once": """
        SELECT run_id, position, count(*) FILTER (WHERE became IN ('taken_in', 'failed') AND became <> was) AS ends,
               count(*) FILTER (WHERE was = 'taken_in') AS writes_after
        FROM write_record WHERE written = 'run_companies' AND act = 'UPDATE'
        GROUP BY run_id, position
        HAVING count(*) FILTER (WHERE became IN ('taken_in', 'failed') AND became <> was) > 1
            OR count(*) FILTER (WHERE was = 'taken_in') > 0""",
}
SAME_RULES = {
    "what has not changed is not written": """
        SELECT written, user_id, run_id, rows, same_rows, at FROM write_record
        WHERE act = 'UPDATE' AND same_rows > 0""",
}


def install(connection: "psycopg.Connection[Any]") -> None:
    """Begin the record, or begin it anew. Commits. It survives a TRUNCATE of the runs, which empties it."""
    remove(connection)
    for statement in (TABLE, *INDEXES, *FORGET):
        connection.execute(statement)
    for table in WRITTEN:
        for act in ROWS:
            if table != "postings" or act == "UPDATE":
                _watch(connection, table, act)
    connection.commit()


def remove(connection: "psycopg.Connection[Any]") -> None:
    """Remove the record and its triggers. Commits."""
    names = [f"write_record_{table}_{act.lower()}" for table in WRITTEN for act in ROWS]
    for name in ("write_record_forget", *names):
        connection.execute(f"DROP FUNCTION IF EXISTS {name} CASCADE")
    connection.execute("DROP TABLE IF EXISTS write_record")
    connection.commit()


def late_writes(connection: "psycopg.Connection[Any]") -> list[str]:
    """Return a sentence for each rule on the times and the owners of writes that some break."""
    return _broken(connection, LATE_RULES)


def rewritten_rows(connection: "psycopg.Connection[Any]") -> list[str]:
    """Return a sentence about the jobs and postings that were written although nothing of them changed."""
    return _broken(connection, SAME_RULES)


def _broken(connection: "psycopg.Connection[Any]", rules: Rules) -> list[str]:
    return broken_rules(connection, rules, {})


def _watch(connection: "psycopg.Connection[Any]", table: str, act: str) -> None:
    """Note each statement of this kind that writes rows of the table."""
    owner, state, key = WRITTEN[table]
    tables, rows = ROWS[act]
    name = f"write_record_{table}_{act.lower()}"
    was = state.format("before") if act != "INSERT" else "NULL::text"
    became = state.format("after") if act != "DELETE" else "NULL::text"
    ends = table == "ingestion_runs" and act != "DELETE"
    connection.execute(
        FUNCTION.format(
            name=name, table=table, act=act, owner=owner.format("before" if act == "DELETE" else "after"),
            was=was, became=became, rows=rows.format(key=key),
            is_same=IS_SAME.get(table, "false") if act == "UPDATE" else "false",
            is_end=f"{became} IN {ENDED} AND {was} IS DISTINCT FROM {became}" if ends else "false",
            is_kept=IS_KEPT.get(table, "true") if act == "UPDATE" else "true",
        )
    )
    connection.execute(TRIGGER.format(name=name, act=act, table=table, rows=tables))
