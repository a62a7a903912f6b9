"""The migrations of runs that ingest, up and down, with the rows of the version before and after."""

from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest

from app.models import JobStatus, RunStatus
from tests.support.factories import make_user, sql
from tests.support.run_rows import run_units

BEFORE_RUN_COMPANIES = "b3e8c5a1d746"
NOTE = "No company was enabled, so there was nothing to ingest."


@pytest.fixture
def old_rows(app: Any) -> Iterator[dict[str, int]]:
    """Downgrade to the version before, with a run in each status, and jobs in each; yield the ids of the runs."""
    flask_migrate.downgrade(revision=BEFORE_RUN_COMPANIES)
    ids = {status.value: insert_run(status) for status in RunStatus}
    insert_run(RunStatus.PENDING, companies=False)
    for number, status in enumerate(JobStatus):
        sql(
            "INSERT INTO jobs (user_id, run_id, company, external_id, url, status, title)"
            " VALUES ((SELECT min(user_id) FROM users), 1, 'lever:acme', :number, 'https://a', :status, 'Cook')",
            number=str(number), status=status.value,
        )
    yield ids
    flask_migrate.upgrade()


def insert_run(status: RunStatus, companies: bool = True) -> int:
    user_id = make_user(f"{status.value}{companies}@example.org")
    for name, enabled in (("beta", True), ("Alpha", True), ("off", False)):
        sql(
            "INSERT INTO companies (user_id, source, board, name, enabled, include)"
            " VALUES (:user_id, 'lever', :board, :name, :enabled, '{cook}')",
            user_id=user_id, board=name.lower(), name=name, enabled=enabled and companies,
        )
    return sql(
        "INSERT INTO ingestion_runs (user_id, status, total_jobs, created_at, finished_at) VALUES"
        " (:user_id, :status, 5, '2026-01-01', CASE WHEN :ended THEN clock_now() END) RETURNING id",
        user_id=user_id, status=status.value, ended=status in RunStatus.TERMINAL,
    )[0].id


def runs() -> list[Any]:
    return sql("SELECT id, user_id, status, created_at, finished_at FROM ingestion_runs ORDER BY id")


def jobs() -> list[Any]:
    return sql("SELECT id, user_id, run_id, company, external_id, url, status, title FROM jobs ORDER BY id")


@pytest.mark.parametrize("status", RunStatus.ACTIVE)
def test_upgrade_freezes_the_enabled_companies_of_active_runs(old_rows, status):
    flask_migrate.upgrade()
    units = run_units(old_rows[status])
    assert [(unit.position, unit.name) for unit in units] == [(1, "Alpha"), (2, "beta")]
    assert {(*unit.include, *unit.exclude) for unit in units} == {("cook",)}
    assert {(unit.state, unit.is_baseline, unit.previewed) for unit in units} == {("waiting", True, None)}
    [run] = sql("SELECT * FROM ingestion_runs WHERE id = :id", id=old_rows[status])
    assert (run.companies_total, run.total_jobs, run.note, run.retry_of) == (2, 0, None, None)
    assert (run.deadline_at is None) == (status == "pending")
    assert {(run.created_at - unit.fresh_after).total_seconds() for unit in units} == {600}


def test_upgrade_notes_that_a_run_has_no_company(old_rows):
    flask_migrate.upgrade()
    [run] = sql("SELECT companies_total FROM ingestion_runs WHERE note = :note", note=NOTE)
    assert run.companies_total == 0


def test_upgrade_leaves_ended_runs_without_companies(old_rows):
    flask_migrate.upgrade()
    ended = sql("SELECT * FROM ingestion_runs WHERE finished_at IS NOT NULL")
    assert len(ended) == 3
    assert {(run.companies_total, run.note, run.deadline_at) for run in ended} == {(None, None, None)}
    assert {run.total_jobs for run in ended} == {5}
    assert not any(run_units(run.id) for run in ended)


def test_rows_survive_the_upgrade_the_downgrade_and_the_upgrade(old_rows):
    before = runs(), jobs()
    assert {job.status for job in before[1]} == set(JobStatus)
    flask_migrate.upgrade()
    assert (runs(), jobs()) == before
    sql(
        "INSERT INTO job_events (job_id, user_id, run_id, kind, revision_id) SELECT id, user_id, run_id, 'new', 1"
        " FROM jobs"
    )
    sql("INSERT INTO run_closings (run_id, user_id, count, open) SELECT id, user_id, 60, 100 FROM ingestion_runs")
    flask_migrate.downgrade(revision=BEFORE_RUN_COMPANIES)
    assert (runs(), jobs()) == before
    flask_migrate.upgrade()
    assert (runs(), jobs()) == before
    assert [len(run_units(old_rows[status])) for status in RunStatus.ACTIVE] == [2, 2, 2]


def test_downgrade_deletes_removed_users_and_no_others(app):
    gone, kept = make_user("gone@example.org"), make_user("kept@example.org")
    sql("UPDATE users SET removed_at = clock_now() WHERE user_id = :id", id=gone)
    flask_migrate.downgrade(revision="a7e91d5c2f08")
    try:
        assert [user.user_id for user in sql("SELECT user_id FROM users")] == [kept]
    finally:
        flask_migrate.upgrade()
