"""Reading a run, pages of runs, and timelines."""

import pytest

from app.extensions import db
from app.models import RunStatus
from app.services.runs import queries, transitions
from app.services.runs.errors import RunNotFound
from tests.support.factories import make_run, make_user, row, sql
from tests.support.starts import start_run


def test_current_and_get_accept_every_user_id_of_the_column(app):
    user_id = 2**40
    sql("INSERT INTO users (user_id, email) VALUES (:user_id, 'far@example.org')", user_id=user_id)
    run_id = start_run(user_id)
    assert queries.current(user_id) == run_id == queries.get(run_id, user_id).id
    transitions.abort(run_id, user_id)
    assert queries.current(user_id) is None


def test_get_events_and_abort_do_not_find_another_users_run(app, user_id):
    run_id = make_run("pending", make_user("other@example.org"))
    for call in (queries.get, queries.events, transitions.abort):
        with pytest.raises(RunNotFound) as refusal:
            call(run_id, user_id)
        assert refusal.value.detail == f"There is no run {run_id}."
    assert row(run_id).status == "pending"


def test_events_are_in_order_wherever_their_rows_lie(user_id):
    run_id = make_run("pending", user_id)
    with db.engine.connect().execution_options(isolation_level="READ COMMITTED") as other:
        other.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no trigger, as in a restore
        for seq, status in ((3, "ingesting"), (2, "initializing")):
            other.exec_driver_sql(
                "INSERT INTO run_events (run_id, seq, at, to_status, actor) VALUES (%s, %s, now(), %s, 'worker')",
                (run_id, seq, status),
            )
        other.commit()
    assert [event.seq for event in queries.events(run_id, user_id)] == [1, 2, 3]
    with db.engine.connect() as connection:
        # Force a sequential scan: PostgreSQL then reads rows in the order in which they are stored.
        connection.exec_driver_sql("SET enable_indexscan = off")
        connection.exec_driver_sql("SET enable_bitmapscan = off")
        found = connection.execute(queries.TIMELINE, {"run_id": run_id, "owner": None, "after": 0}).fetchall()
        connection.invalidate()
    assert [event.seq for event in found] == [1, 2, 3]


def test_newest_pages_through_all_runs_once(app):
    ids = [make_run("finished") for _ in range(7)]
    user_id = make_user()
    make_run("finished", make_user("other@example.org"))
    paged, before = [], None
    while True:
        page, before = queries.newest(user_id, before=before, limit=3)
        paged += [run.id for run in page]
        if before is None:
            break
    assert paged == ids[::-1]


def test_newest_has_no_page_after_a_full_last_page(app):
    ids = [make_run("aborted") for _ in range(3)]
    page, next_before = queries.newest(make_user(), limit=3)
    assert ([run.id for run in page], next_before) == (ids[::-1], None)


def test_newest_filters_by_status(app):
    wanted = make_run("error")
    make_run("finished")
    page, _ = queries.newest(make_user(), status=RunStatus.ERROR)
    assert [run.id for run in page] == [wanted]
