"""Migrations: the tables they create, and the rows they keep."""

from pathlib import Path

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import inspect

from app.extensions import db
from app.models import MAX_SESSIONS, MAX_TOKENS, RunStatus
from app.services.accounts import credentials
from app.services.accounts.errors import TooManyTokens
from app.services.runs import start, transitions
from tests.support.factories import make_user, sql, timeline

AGREED_RUNS = {
    "id": ("integer", "NO", "nextval('ingestion_runs_id_seq'::regclass)"),
    "user_id": ("bigint", "NO", None),
    "status": ("character varying", "YES", "'pending'::character varying"),
    "total_jobs": ("integer", "YES", "0"),
    "jobs_ready": ("integer", "YES", None),
    "jobs_skipped": ("integer", "YES", None),
    "jobs_expired": ("integer", "YES", None),
    "jobs_failed": ("integer", "YES", None),
    "created_at": ("timestamp with time zone", "YES", "now()"),
    "started_at": ("timestamp with time zone", "YES", None),
    "finished_at": ("timestamp with time zone", "YES", None),
    "error_message": ("text", "YES", None),
}
AGREED_JOBS = {
    "id": ("integer", "NO", "nextval('jobs_id_seq'::regclass)"),
    "run_id": ("integer", "YES", None),
    "user_id": ("bigint", "NO", None),
    "company": ("character varying", "NO", None),
    "external_id": ("character varying", "NO", None),
    "url": ("text", "NO", None),
    "status": ("character varying", "YES", "'pending'::character varying"),
    "title": ("text", "YES", None),
    "location": ("text", "YES", None),
    "description": ("text", "YES", None),
    "requirements": ("text", "YES", None),
    "simhash": ("bigint", "YES", None),
    "error_message": ("text", "YES", None),
    "created_at": ("timestamp with time zone", "YES", "now()"),
    "updated_at": ("timestamp with time zone", "YES", "now()"),
}


def columns(table: str) -> dict:
    return {
        column.column_name: (column.data_type, column.is_nullable, column.column_default)
        for column in sql(
            "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"
            " WHERE table_name = :table ORDER BY ordinal_position",
            table=table,
        )
    }


@pytest.fixture
def at_agreed_tables(app):
    """Downgrade the database to migration a2ef3e15d65e for one test."""
    flask_migrate.downgrade(revision="a2ef3e15d65e")
    yield
    flask_migrate.upgrade()


def test_migration_of_jobs_creates_exactly_the_agreed_columns(at_agreed_tables):
    assert columns("ingestion_runs") == AGREED_RUNS
    assert columns("jobs") == AGREED_JOBS


def test_migration_of_jobs_creates_exactly_the_agreed_keys(at_agreed_tables):
    inspector = inspect(db.engine)
    [run_owner] = inspector.get_foreign_keys("ingestion_runs")
    assert (run_owner["referred_table"], run_owner["options"]) == ("users", {"ondelete": "CASCADE"})
    job_keys = {key["constrained_columns"][0]: key for key in inspector.get_foreign_keys("jobs")}
    assert job_keys["run_id"]["options"] == {"ondelete": "SET NULL"}
    assert job_keys["user_id"]["options"] == {"ondelete": "CASCADE"}
    [unique] = inspector.get_unique_constraints("jobs")
    assert unique["column_names"] == ["user_id", "company", "external_id"]
    indexes = {index["name"]: index["column_names"] for index in inspector.get_indexes("jobs")}
    assert indexes["idx_jobs_run_status"] == ["run_id", "status"]


def test_status_columns_hold_twenty_characters(app):
    lengths = sql(
        "SELECT character_maximum_length AS n FROM information_schema.columns"
        " WHERE column_name = 'status' AND table_name IN ('ingestion_runs', 'jobs')"
    )
    assert [length.n for length in lengths] == [20, 20]


def test_downgrade_to_base_leaves_nothing_and_upgrade_works_again(app):
    flask_migrate.downgrade(revision="base")
    try:
        left = inspect(db.engine).get_table_names()
        functions = sql("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    finally:
        flask_migrate.upgrade()
    assert left == ["alembic_version"]
    assert functions == []


def test_upgrade_keeps_every_run_and_starts_its_timeline(app):
    def rows() -> list:
        return sql("SELECT id, status, created_at, finished_at FROM ingestion_runs ORDER BY id")

    flask_migrate.downgrade(revision="a2ef3e15d65e")
    try:
        for status in RunStatus:
            sql(
                "INSERT INTO ingestion_runs (user_id, status, created_at, finished_at)"
                " VALUES (:user_id, :status, '2020-01-01', :finished_at)",
                user_id=make_user(f"{status.value}@example.org"),
                status=status.value,
                finished_at="2020-01-02" if status in RunStatus.TERMINAL else None,
            )
        before = rows()
    finally:
        flask_migrate.upgrade()
    assert rows() == before
    for run in before:
        events = [(event.seq, event.from_status, event.to_status, event.actor) for event in timeline(run.id)]
        assert events == [(1, None, run.status, "migration")]


def test_upgrade_repairs_invalid_rows_and_deletes_none(app):
    flask_migrate.downgrade(revision="a2ef3e15d65e")
    try:
        user_id = make_user()
        for status, end in (
            ("finished", "NULL"), ("aborted", "now()"), ("pending", "NULL"), ("lost", "NULL"), (None, "now()"),
            ("ingesting", "now()"),
        ):
            sql(f"INSERT INTO ingestion_runs (user_id, status, finished_at) VALUES (:user_id, :status, {end})",
                user_id=user_id, status=status)
        for number, status in enumerate((None, "odd", "ready")):
            sql("INSERT INTO jobs (user_id, company, external_id, url, status) VALUES (:id, 'a', :n, 'u', :status)",
                id=user_id, n=str(number), status=status)
    finally:
        flask_migrate.upgrade()
    runs = sql("SELECT status, finished_at IS NOT NULL AS ended, error_message FROM ingestion_runs ORDER BY id")
    assert [tuple(run) for run in runs] == [
        ("finished", True, None),
        ("aborted", True, None),
        ("error", True, "a newer run was active"),
        ("error", True, "unknown status lost"),
        ("error", True, "a newer run was active"),
        ("ingesting", False, None),
    ]
    assert [job.status for job in sql("SELECT status FROM jobs ORDER BY id")] == ["pending", "error", "ready"]


def test_downgrade_of_idempotency_keys_and_upgrade_keep_every_run(app):
    def rows() -> list:
        found = sql("SELECT id, status FROM ingestion_runs ORDER BY id")
        return [(run.id, run.status, timeline(run.id)) for run in found]

    user_id = make_user()
    transitions.abort(start.create_run(user_id, key="k")[0])
    pending, _ = start.create_run(user_id)
    before = rows()
    flask_migrate.downgrade(revision="93d5a07be1c4")
    try:
        assert "idempotency_key" not in columns("ingestion_runs")
        assert rows() == before
    finally:
        flask_migrate.upgrade()
    assert rows() == before
    assert [run.idempotency_key for run in sql("SELECT idempotency_key FROM ingestion_runs")] == [None, None]
    transitions.abort(pending)
    assert start.create_run(user_id, key="k")[1]


def test_upgrade_to_the_limits_keeps_every_session_and_token(app):
    """Users who have more tokens than allowed keep them."""
    user_id = make_user()
    flask_migrate.downgrade(revision="2f7ac1e98b35")
    try:
        for kind, number in (("token", MAX_TOKENS + 1), ("session", MAX_SESSIONS + 1)):
            sql(
                "INSERT INTO credentials (user_id, kind, name, secret_hash, epoch)"
                " SELECT :user_id, :kind, 'n', uuid_send(gen_random_uuid()), 0 FROM generate_series(1, :number)",
                user_id=user_id, kind=kind, number=number,
            )
        indexes = {each["name"] for each in inspect(db.engine).get_indexes("credentials")}
        assert indexes == {"ix_credentials_user_id", "uq_credentials_secret_hash"}
    finally:
        flask_migrate.upgrade()
    kinds = sql("SELECT kind, count(*) FROM credentials GROUP BY kind ORDER BY kind")
    assert [tuple(each) for each in kinds] == [("session", MAX_SESSIONS + 1), ("token", MAX_TOKENS + 1)]
    with pytest.raises(TooManyTokens):
        credentials.make_token(user_id, "one more")


def test_models_match_the_migrations(app):
    flask_migrate.check()


def test_migrations_have_one_head_and_a_docstring_each(app):
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    assert len(scripts.get_heads()) == 1
    assert all(script.doc for script in scripts.walk_revisions())
    assert (Path(scripts.versions) / "a2ef3e15d65e_jobs.py").exists()


def test_upgrade_as_sql_script_is_refused(flask_command):
    done = flask_command("db", "upgrade", "--sql")
    assert done.returncode == 1
    assert "--sql is not supported" in done.stderr
    assert "Traceback" not in done.stderr
