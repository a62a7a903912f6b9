"""The task that reads boards, in this process and in real workers that stop."""

import json
from threading import Event

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import IntegrityError

from app.tasks import boards as task
from app.tasks import shutdown_flag
from app.worker import reconciler
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import run_companies, sql
from tests.support.listings import board_id, list_board
from tests.support.outbox import BOARDS_QUEUE, PREVIEWS_QUEUE, QUEUE
from tests.support.previews import begin_preview, company, run_preview, units
from tests.support.readers import board_of, set_boards
from tests.support.waiting import wait_until
from tests.support.wants import make_waiting_run
from tests.support.workers import running_worker

STOPWAIT_SECONDS = 15
"""The reader's stop_timeout in app/launcher/processes.py."""


def read(app, waker_id: int = 0) -> None:
    """Run the task as a worker does."""
    app.extensions["celery"].tasks[task.read_boards.name](waker_id)


def messages(broker, queue: str) -> list[tuple[str, str]]:
    headers = [json.loads(message)["headers"] for message in broker.lrange(queue, 0, -1)]
    return [(each["task"], each["argsrepr"]) for each in headers]


def readings(state: str) -> float:
    return REGISTRY.get_sample_value("board_readings_total", {"source": "greenhouse", "state": state}) or 0


def test_wants_and_answers_travel_through_their_queues(boards, app, broker, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    run_preview(preview_id)
    assert messages(broker, BOARDS_QUEUE) == [("boards.read", f"({preview_id},)")]
    assert messages(broker, PREVIEWS_QUEUE) == []
    broker.flushall()
    read(app, preview_id)
    assert messages(broker, PREVIEWS_QUEUE) == [("preview.run", f"({preview_id},)")]
    assert messages(broker, BOARDS_QUEUE) == []
    run_preview(preview_id)
    assert at.preview(preview_id).finished_at is not None


def test_task_counts_the_readings_that_ended(boards, app, broker, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    boards.fault("beta", 403)
    company(user_id, "acme")
    company(user_id, "beta")
    begin_preview(user_id)
    before = readings("complete"), readings("failed")
    read(app)
    assert (readings("complete"), readings("failed")) == (before[0] + 1, before[1] + 1)


def test_task_without_a_want_does_nothing(boards, app, broker):
    read(app)
    assert (boards.requests, messages(broker, BOARDS_QUEUE)) == ([], [])


def test_task_survives_a_database_that_is_unavailable(boards, app, broker, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("ALTER TABLE source_switches RENAME TO elsewhere")
    try:
        read(app)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO source_switches")
    read(app)
    assert [unit.state for unit in units(preview_id)] == ["read"]


def test_unit_whose_answer_failed_is_answered_by_the_next_message(boards, app, broker, user_id):
    boards.greenhouse("acme", [job(1, "Engineer")])
    company(user_id, "acme")
    preview_id = begin_preview(user_id)
    sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''inner fault''; END'")
    sql("CREATE TRIGGER broken BEFORE UPDATE ON preview_companies FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        read(app)
    finally:
        sql("DROP FUNCTION broken() CASCADE")
    assert ([unit.state for unit in units(preview_id)], board_of().listing_id) == (["waiting"], 1)
    assert messages(broker, PREVIEWS_QUEUE) == []
    sql("UPDATE previews SET next_dispatch_at = clock_now() - interval '1 s'")
    reconciler.reconcile_once()
    assert messages(broker, PREVIEWS_QUEUE) == [("preview.run", f"({preview_id},)")]
    run_preview(preview_id)
    assert [unit.state for unit in units(preview_id)] == ["listed"]
    assert len([each for each in boards.requests if each.path != "/robots.txt"]) == 1


def test_listing_wakes_the_runs_that_wait_for_no_other(boards, app, broker):
    boards.greenhouse("acme", [job(1, "Engineer")])
    boards.fault("beta", 403)
    whole = make_waiting_run(board_id("acme"), email="a@example.org")
    part = make_waiting_run(board_id("acme"), board_id("beta"), email="b@example.org")
    sql("UPDATE boards SET not_before = clock_now() + interval '1 min' WHERE board = 'beta'")
    read(app)
    assert messages(broker, QUEUE) == [("ingestion.run", f"({whole},)")]
    assert [unit.state for unit in run_companies(part)] == ["read", "waiting"]
    broker.flushall()
    set_boards("not_before = NULL")
    read(app)
    assert messages(broker, QUEUE) == [("ingestion.run", f"({part},)")]
    assert [unit.state for unit in run_companies(part)] == ["read", "failed"]


@pytest.mark.parametrize("broken", ["preview_companies", "run_companies"])
def test_fault_in_the_answers_of_one_kind_keeps_the_other_answered(boards, app, broker, user_id, broken):
    company(user_id, "acme")
    preview_id, run_id = begin_preview(user_id), make_waiting_run(board_id("acme"))
    sql(f"ALTER TABLE {broken} ADD CONSTRAINT broken CHECK (state = 'waiting')")
    try:
        with pytest.raises(IntegrityError):
            task.answer(list_board("acme", ["Engineer"]))
    finally:
        sql(f"ALTER TABLE {broken} DROP CONSTRAINT broken")
    is_run = broken == "preview_companies"
    assert messages(broker, QUEUE) == [("ingestion.run", f"({run_id},)")] * is_run
    assert messages(broker, PREVIEWS_QUEUE) == [("preview.run", f"({preview_id},)")] * (not is_run)


def test_task_of_a_stopping_worker_leaves_its_message_to_others(boards, app, broker, user_id, monkeypatch):
    company(user_id, "acme")
    begin_preview(user_id)
    monkeypatch.setattr(shutdown_flag, "is_set", lambda: True)
    read(app, 7)
    assert messages(broker, BOARDS_QUEUE) == [("boards.read", "(7,)")]
    assert (boards.requests, board_of().attempt) == ([], 0)


def test_worker_that_stops_hands_its_boards_to_the_next(settings, boards, client, broker, user_id, tmp_path):
    paths = [boards.greenhouse(f"b{each:02}", [job(each, "Engineer")], hold=Event()) for each in range(12)]
    for each in range(12):
        company(user_id, f"b{each:02}")
    with running_worker(settings, tmp_path / "first.log") as first:
        preview_id = client.post("/api/ingestion/dry-run").json["preview_id"]
        wait_until(lambda: any(map(boards.count, paths)), what="the first board to be asked")
        first.terminate()
        first.wait(STOPWAIT_SECONDS)
    assert [tuple(row) for row in sql("SELECT DISTINCT attempt, lease_id FROM boards")] == [(0, None)]
    assert ("boards.read", f"({preview_id},)") in messages(broker, BOARDS_QUEUE)
    boards.reset()
    for each in range(12):
        boards.greenhouse(f"b{each:02}", [job(each, "Engineer")])
    set_boards("not_before = NULL")
    with running_worker(settings, tmp_path / "second.log"):
        wait_until(lambda: at.preview(preview_id).finished_at, what="the preview's end")
    assert {unit.state for unit in units(preview_id)} == {"listed"}
    assert [row.state for row in sql("SELECT state FROM listings")] == ["complete"] * 12
