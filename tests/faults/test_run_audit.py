"""The audit of runs notices each broken rule, and finds nothing in a sound database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.faults.audited_world import AuditedWorld
from tests.faults.run_audit import RULES, audit
from tests.faults.sql_rules import broken_rules
from tests.support.audits import connected, find_recorded_violations, recorded

HOUR = 3600
TIMES = {"witness": HOUR, "empty": 24 * HOUR, "gone": 6 * HOUR}

CHECKS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'
AND conrelid IN ('ingestion_runs'::regclass, 'run_companies'::regclass, 'jobs'::regclass, 'job_events'::regclass,
                 'run_closings'::regclass, 'listings'::regclass)
"""

BREACHES = [
    ("a company's counts are numbers of its postings", "UPDATE run_companies SET found = matched - 1"),
    ("a company that was taken in counts each match once",
     "UPDATE run_companies SET unchanged_jobs = unchanged_jobs + 1"),
    ("a company counts only what is done", "UPDATE run_companies SET expired_jobs = 0 WHERE state = 'waiting'"),
    ("a company counts no more jobs than its events tell of",
     "UPDATE run_companies SET new_jobs = new_jobs + 1, unchanged_jobs = unchanged_jobs - 1"),
    *[("a company that was taken in counts the jobs of its events",
       f"UPDATE run_companies SET {name} = {name} - 1, unchanged_jobs = unchanged_jobs + 1 WHERE {name} > 0"
       " AND state = 'taken_in'") for name in ("new_jobs", "changed_jobs", "reopened_jobs")],
    ("a company's expired jobs are those of its events",
     "UPDATE run_companies SET expired_jobs = expired_jobs + 1 WHERE expired_jobs > 0"),
    ("a company's expired jobs are those of its events",
     "UPDATE run_companies SET expired_jobs = 1 FROM run_closings AS asked WHERE asked.run_id = run_companies.run_id"),
    ("a run's total is the sum of its companies",
     "UPDATE ingestion_runs SET total_jobs = total_jobs + 1 WHERE status = 'aborted'"),
    ("a finished run's numbers are the sums of its companies", "UPDATE ingestion_runs SET jobs_failed = 1"),
    ("a run has numbers only if it finished", "UPDATE ingestion_runs SET jobs_ready = 0 WHERE status = 'aborted'"),
    ("a run has the companies that it counts", "UPDATE ingestion_runs SET companies_total = companies_total + 1"),
    ("a run has the companies that it counts", "UPDATE run_companies SET position = position + 9"),
    ("a finished run has ended each company", "UPDATE run_companies SET expired_jobs = NULL WHERE state = 'failed'"),
    ("a run in which no company waits ends as its companies did",
     "UPDATE ingestion_runs SET status = 'error' WHERE status = 'finished'"),
    ("a run in which no company waits ends as its companies did", "UPDATE run_companies SET state = 'failed'"),
    ("a run takes companies in only after its last board", "UPDATE run_companies SET parts = 1"),
    ("a run takes companies in only after its last board", "DELETE FROM run_events WHERE to_status = 'ingesting'"),
    ("a run's companies stay as they were at its end",
     "UPDATE run_companies SET changed_at = changed_at + interval '9 days'"),
    ("a run changes no job after its end, except by an answer", "UPDATE job_events SET at = at + interval '9 days'"),
    ("a company's listing is one of its board, and was read in time",
     "UPDATE run_companies SET fresh_after = fresh_after + interval '1 day'"),
    ("a company's listing is one of its board, and was read in time", "UPDATE run_companies SET board_id = 0"),
    ("a company offers what its whole listing has", "UPDATE run_companies SET found = found + 1 WHERE found > 0"),
    ("a company is pinned to a listing of its board", "UPDATE run_companies SET pinned_listing_id = 0"),
    ("a run keeps the promise of its preview", "UPDATE preview_companies SET matched = matched + 1"),
    ("a run keeps the promise of its preview", "UPDATE run_companies SET matched = matched + 1"),
    ("a run promises the sum of its companies", "UPDATE ingestion_runs SET previewed = previewed + 1"),
    ("an expired job has two named witnesses of its board", "UPDATE job_events SET witness_listing_id = listing_id"),
    ("an expired job has two named witnesses of its board", "UPDATE listings SET board_id = board_id + 1"),
    ("a job expires as unseen by two whole listings, apart", "UPDATE listings SET began_at = clock_now()"),
    ("a job expires as unseen by two whole listings, apart", "UPDATE listings SET state = 'partial'"),
    ("a job expires with an empty board by the third empty listing",
     "UPDATE job_events SET reason = 'board_empty' WHERE kind = 'expired'"),
    ("a job expires with a board that is gone by two such answers",
     "UPDATE job_events SET reason = 'board_gone' WHERE kind = 'expired'"),
    ("an expired job's posting was closed by the same witnesses", "DELETE FROM posting_events WHERE kind = 'closed'"),
    ("no listing between two witnesses tells of the posting",
     "UPDATE posting_events SET kind = 'changed' WHERE kind = 'missing'"),
    ("no listing between two witnesses stored a content of the posting",
     "UPDATE posting_revisions SET listing_id = witness_listing_id FROM jobs JOIN job_events ON job_id = id"
     " WHERE kind = 'expired' AND posting_revisions.revision_id = jobs.revision_id"),
    ("a held listing between two witnesses lacks the posting", "UPDATE listings SET state = 'held', lacking = '{}'"),
    ("a job expires by a run that knew the closing, after it", "UPDATE run_companies SET pinned_listing_id = 1"),
    ("a job's event fits the one before", "UPDATE job_events SET kind = 'reopened' WHERE kind = 'changed'"),
    ("a job's event fits the one before", "UPDATE job_events SET kind = 'changed' WHERE kind = 'reopened'"),
    ("a job's event fits the one before", "UPDATE job_events SET kind = 'changed' WHERE kind = 'new'"),
    ("a job of a posting has events", "DELETE FROM job_events"),
    ("a run gives a job each event once",
     "INSERT INTO job_events (job_id, user_id, run_id, kind, revision_id, listing_id) SELECT job_id, user_id, run_id,"
     " kind, revision_id, listing_id FROM job_events WHERE kind = 'changed'"),
    ("a job's status is that of its last event", "UPDATE jobs SET status = 'expired' WHERE status = 'ready'"),
    ("a job's status is that of its last event", "UPDATE jobs SET status = 'ready'"),
    ("a job has the times of its events", "UPDATE jobs SET created_at = now()"),
    ("a job has the times of its events", "UPDATE jobs SET updated_at = created_at"),
    ("a job names the run that last changed it", "UPDATE jobs SET run_id = NULL"),
    ("a job's fields are those of its revision", "UPDATE jobs SET description = 'Other'"),
    ("a job has its last event's content, unless it changed in silence", "UPDATE jobs SET revision_id = 1"),
    ("a job has its last event's content, unless it changed in silence",
     "DELETE FROM job_events WHERE kind = 'changed'"),
    ("an event's content is its posting's", "UPDATE job_events SET revision_id = 0"),
    ("an event follows a listing of its run's company", "UPDATE job_events SET listing_id = listing_id + 1"),
    ("an event follows a listing of its run's company", "UPDATE run_companies SET parts = 0"),
    *[("what a run writes belongs to its user", f"UPDATE {table} SET user_id = %(other)s WHERE user_id = %(user)s")
      for table in ("job_events", "run_closings", "previews")],
    ("what a run writes belongs to its user",
     "UPDATE companies SET user_id = %(other)s WHERE user_id = %(user)s AND board = 'birch'"),
    ("what a run writes belongs to its user",
     "UPDATE jobs SET user_id = %(other)s, external_id = 'x' || id WHERE user_id = %(user)s"),
    ("what a run writes belongs to its user",
     "UPDATE ingestion_runs SET retry_of = (SELECT max(id) FROM ingestion_runs WHERE user_id = %(other)s)"
     " WHERE user_id = %(user)s"),
    ("a run asks only about unusually many jobs", "UPDATE run_closings SET open = 5 * count"),
    ("a run asks only about unusually many jobs", "UPDATE run_closings SET count = 50"),
    ("a user has one open question, of the last run that counted", "UPDATE run_closings SET state = 'asked'"),
    ("a user has one open question, of the last run that counted",
     "INSERT INTO run_closings (run_id, user_id, state, count, open) SELECT max(id), user_id, 'superseded', 60, 60"
     " FROM ingestion_runs WHERE user_id = %(user)s GROUP BY user_id"),
    ("a question has an answer if it was answered, after the run's end", "UPDATE run_closings SET expire = NULL"),
    ("a question has an answer if it was answered, after the run's end",
     "UPDATE run_closings SET answered_at = asked_at"),
    ("an answer counts the jobs that it expired", "UPDATE run_closings SET expired = expired + 1"),
    ("a run that asked expires nothing but by the answer", "UPDATE run_closings SET expire = false"),
    ("a run that asked expires nothing but by the answer",
     "UPDATE run_closings SET answered_at = answered_at + interval '1 s'"),
    ("a declined closing expires no job", "UPDATE jobs SET kept_listing_id = listing_id FROM job_events"
     " WHERE job_id = id AND kind = 'expired'"),
    ("a job that its user kept stays open", "UPDATE jobs SET kept_listing_id = NULL"),
    ("a job was kept by its user's answer", "UPDATE run_closings SET expire = true"),
]


@contextmanager
def broken(connection: "psycopg.Connection[Any]", statement: str, values: dict[str, int]) -> Iterator[None]:
    """Break a rule within the block: no CHECK and no trigger refuses it, and all is as before afterwards."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, name in connection.execute(CHECKS).fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        connection.execute(statement, values)
        yield


@pytest.fixture
def world(boards, broker, user_id, shift_clock) -> Iterator[AuditedWorld]:
    """A world in which everything has happened, while the writes were recorded."""
    world = AuditedWorld(boards, user_id)
    with recorded() as connection:
        world.play()
        world.found = find_recorded_violations(connection)
        yield world


def test_audits_find_nothing_after_runs_of_every_kind(world):
    assert world.found == []


def test_audit_has_a_breach_of_each_rule():
    assert RULES.keys() == {rule for rule, _ in BREACHES}


def test_audit_names_each_broken_rule(world):
    missed = []
    with connected() as connection:
        assert audit(connection, **TIMES) == []
        for rule, statement in BREACHES:
            with broken(connection, statement, {"user": world.user, "other": world.other}):
                if not broken_rules(connection, {rule: RULES[rule]}, TIMES):
                    missed.append((rule, statement))
    assert missed == []
