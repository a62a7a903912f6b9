"""The guards of the database. These tests bypass the services."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.support.factories import make_run, make_user, row, sql, timeline


def test_unknown_run_status_is_refused(app):
    with pytest.raises(IntegrityError, match="ck_ingestion_runs_status"):
        sql("INSERT INTO ingestion_runs (user_id, status) VALUES (:user_id, 'paused')", user_id=make_user())


def test_run_without_a_status_is_refused(app):
    with pytest.raises(IntegrityError, match="null value"):
        sql("INSERT INTO ingestion_runs (user_id, status) VALUES (:user_id, NULL)", user_id=make_user())


def test_ended_run_without_finished_at_is_refused(app):
    run_id = make_run("ingesting")
    with pytest.raises(IntegrityError, match="finished_at_iff_terminal"):
        sql("UPDATE ingestion_runs SET status = 'finished' WHERE id = :id", id=run_id)


def test_active_run_with_finished_at_is_refused(app):
    run_id = make_run("pending")
    with pytest.raises(IntegrityError, match="finished_at_iff_terminal"):
        sql("UPDATE ingestion_runs SET finished_at = now() WHERE id = :id", id=run_id)


@pytest.mark.parametrize("status", ["pending", "initializing", "ingesting"])
def test_second_active_run_of_a_user_is_refused(app, status):
    make_run(status)
    with pytest.raises(IntegrityError, match="uq_ingestion_runs_one_active_per_user"):
        make_run("pending")


def test_ended_runs_and_other_users_runs_are_not_in_the_way(app):
    for status in ("finished", "error", "aborted", "pending"):
        make_run(status)
    make_run("pending", make_user("other@example.org"))
    assert len(sql("SELECT 1 FROM ingestion_runs")) == 5


@pytest.mark.parametrize("half", [{"idempotency_key": "k"}, {"request_fingerprint": b"f"}])
def test_key_without_fingerprint_and_the_reverse_are_refused(app, half):
    with pytest.raises(IntegrityError, match="fingerprint_iff_key"):
        make_run(**half)


def test_second_run_with_a_users_key_is_refused_even_after_its_end(app):
    keyed = {"idempotency_key": "k", "request_fingerprint": b"f"}
    make_run("aborted", **keyed)
    make_run("aborted", make_user("other@example.org"), **keyed)
    with pytest.raises(IntegrityError, match="uq_ingestion_runs_user_id_idempotency_key"):
        make_run("aborted", **keyed)


def test_unknown_job_status_is_refused(app):
    with pytest.raises(IntegrityError, match="ck_jobs_status"):
        sql(
            "INSERT INTO jobs (user_id, company, external_id, url, status) VALUES (:user_id, 'a', 'b', 'c', 'lost')",
            user_id=make_user(),
        )


def test_change_typed_by_hand_is_recorded_with_its_role(app):
    run_id = make_run("pending")
    sql("UPDATE ingestion_runs SET status = 'aborted', finished_at = now() WHERE id = :id", id=run_id)
    assert [(event.from_status, event.to_status, event.actor) for event in timeline(run_id)] == [
        (None, "pending", "sql:app"),
        ("pending", "aborted", "sql:app"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE run_events SET actor = 'nobody'",
        "DELETE FROM run_events",
        "INSERT INTO run_events SELECT run_id, seq + 1, at, from_status, to_status, actor FROM run_events",
    ],
)
def test_timeline_cannot_be_rewritten(app, statement):
    run_id = make_run("pending")
    before = timeline(run_id)
    with pytest.raises(IntegrityError, match="append-only"):
        sql(statement)
    assert timeline(run_id) == before


def test_timeline_is_deleted_with_its_run_and_the_run_with_its_user(app):
    run_id = make_run("pending")
    sql("INSERT INTO jobs (run_id, user_id, company, external_id, url) VALUES (:id, :user_id, 'a', 'b', 'c')",
        id=run_id, user_id=make_user("keeper@example.org"))
    sql("DELETE FROM users WHERE user_id = :user_id", user_id=row(run_id).user_id)
    assert timeline(run_id) == []
    assert [job.run_id for job in sql("SELECT run_id FROM jobs")] == [None]
