"""The record of writes notices each write that comes too late or is another user's, and allows those that may come."""

import pytest

from app.services import removal
from app.services.runs import start, transitions
from tests.faults import write_record
from tests.faults.write_record import late_writes, rewritten_rows
from tests.support.audits import connected, recorded
from tests.support.boards import job
from tests.support.factories import make_user, row, sql
from tests.support.previews import begin_preview, company, work_on
from tests.support.readers import read_preview
from tests.support.whole_runs import begin, carry, run

ENDED, OWNED, DELETED, ONCE = write_record.LATE_RULES
[SAME] = write_record.SAME_RULES

GUARDS = (
    ("run_companies", "run_companies_guard"), ("ingestion_runs", "ingestion_runs_move"),
    ("job_events", "job_events_append_only"),
)
EVENT = (
    "INSERT INTO job_events (job_id, user_id, run_id, kind, revision_id) SELECT id, user_id, run_id, 'changed', 1"
    " FROM jobs WHERE user_id = %(user)s"
)
TOUCH = "UPDATE run_companies SET parts = parts + 1 WHERE run_id = %(active)s"

BREACHES = [
    (ENDED, "UPDATE run_companies SET parts = parts + 1 WHERE run_id = %(ended)s"),
    (ENDED, "UPDATE ingestion_runs SET note = 'Late' WHERE id = %(ended)s"),
    (ENDED, "UPDATE ingestion_runs SET status = 'ingesting', finished_at = NULL WHERE id = %(ended)s"),
    (ENDED, EVENT),
    (ENDED, "UPDATE run_companies SET parts = parts + 1 WHERE run_id = %(earlier)s"),
    (OWNED, "UPDATE jobs SET title = 'Other'"),
    (OWNED, f"{TOUCH}; UPDATE jobs SET title = 'Other' WHERE user_id = %(user)s"),
    (OWNED, f"{TOUCH}; {EVENT}"),
    (OWNED, "UPDATE run_companies SET parts = parts + 1; UPDATE jobs SET title = 'Other'"),
    (OWNED, f"{TOUCH}; INSERT INTO jobs (user_id, run_id, company, external_id, url) VALUES (%(other)s, %(ended)s,"
            " 'a', 'b', 'c')"),
    (DELETED, "DELETE FROM jobs"),
    (DELETED, "DELETE FROM job_events"),
    (DELETED, "DELETE FROM ingestion_runs"),
    (ONCE, "UPDATE run_companies SET state = 'read' WHERE run_id = %(ended)s"),
    (ONCE, "UPDATE run_companies SET state = 'failed'; UPDATE run_companies SET state = 'read';"
           " UPDATE run_companies SET state = 'failed'"),
    (SAME, "UPDATE jobs SET updated_at = clock_now()"),
    (SAME, "UPDATE postings SET external_id = external_id"),
]


@pytest.fixture
def record(boards, user_id):
    """A record that began after a run of a user, and has a run that ended and one that is under way."""
    boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Cook")])
    company(user_id, "acme")
    other = make_user("other@example.org")
    boards.greenhouse("birch", [job(4, "Nurse")])
    company(other, "birch")
    earlier = run(user_id).id
    with recorded() as connection:
        boards.greenhouse("acme", [job(1, "Engineer"), job(2, "Chief cook"), job(3, "Nurse")])
        ended = run(user_id, read_preview(user_id, refresh=True)).id
        ids = {"user": user_id, "other": other, "earlier": earlier, "ended": ended, "active": begin(other)}
        yield connection, ids


def broken(connection) -> list[str]:
    return [each.partition(":")[0] for each in (*late_writes(connection), *rewritten_rows(connection))]


def breach(connection, statements: str, ids: dict[str, int]) -> list[str]:
    """Return the rules that statements of one transaction break, which no guard refuses; roll it back."""
    with connection.transaction(force_rollback=True):
        for table, name in GUARDS:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        connection.execute("ALTER TABLE run_companies DROP CONSTRAINT ck_run_companies_outcome_iff_answered")
        for statement in statements.split(";"):
            connection.execute(statement, ids)
        return broken(connection)


def test_record_has_a_breach_of_each_rule():
    assert {ENDED, OWNED, DELETED, ONCE, SAME} == {rule for rule, _ in BREACHES}


def test_record_names_each_broken_rule(record):
    connection, ids = record
    assert broken(connection) == []
    assert [each for each in BREACHES if each[0] not in breach(connection, each[1], ids)] == []


def test_record_allows_each_write_of_runs_that_end_in_order(record, user_id):
    connection, ids = record
    carry(ids["active"])
    aborted = start.create_run(user_id)[0]
    transitions.abort(aborted, user_id)
    carry(aborted)
    assert broken(connection) == []
    assert sql("SELECT count(*) FROM write_record WHERE snapshot IS NOT NULL")[0][0] == 3


def test_record_allows_that_the_preview_of_an_ended_run_is_removed(record, user_id):
    connection, ids = record
    work_on(begin_preview(user_id))
    begin_preview(user_id, refresh=True)
    sql("DELETE FROM previews")
    assert row(ids["ended"]).preview_id is None
    assert broken(connection) == []


def test_record_allows_the_removal_of_a_user(record, user_id):
    connection, ids = record
    removal.mark_removed(ids["other"])
    removal.mark_removed(user_id)
    removal.remove_batches(60)
    assert sql("SELECT 1 FROM jobs UNION ALL SELECT 1 FROM ingestion_runs") == []
    assert broken(connection) == []


def test_write_without_the_runs_lock_that_commits_after_its_end_is_late(record):
    connection, ids = record
    with connected() as other:
        with other.transaction():
            other.execute(TOUCH, ids)
            transitions.abort(ids["active"])
        assert broken(connection) == [ENDED]


def test_record_of_the_last_drill_ends_with_a_truncate(record, boards):
    connection, _ = record
    sql("TRUNCATE users RESTART IDENTITY CASCADE")
    assert sql("SELECT 1 FROM write_record") == []
    user_id = make_user()
    company(user_id, "acme")
    assert run(user_id).status == "finished"
    assert broken(connection) == []


def test_record_leaves_nothing_behind(app):
    with recorded() as connection:
        write_record.install(connection)
    assert sql("SELECT proname FROM pg_proc WHERE proname LIKE 'write_record%'") == []
    assert sql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'write_record%'") == []
