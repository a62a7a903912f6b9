"""The tasks in a real worker on a real broker."""

from app.models import Component
from app.services.health import heartbeats
from app.services.runs import start
from app.tasks.ingestion import ingest
from app.tasks.preview import run_preview
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import make_run, row, sql, timeline
from tests.support.lines import events
from tests.support.previews import company, units
from tests.support.waiting import wait_until


def receipts(worker, run_id: int) -> list[dict]:
    return [line for line in events(worker(), "run received") if line["run_id"] == run_id]


def test_ingest_logs_the_run_and_changes_nothing(worker, client):
    answer = client.post("/api/ingestion/start", headers={"X-Request-ID": "from-the-page"})
    run_id = answer.json["run_id"]
    [line] = wait_until(lambda: receipts(worker, run_id), what="the worker's line about the run")
    assert (line["level"], line["request_id"]) == ("info", "from-the-page")
    assert line["task_id"]
    found = row(run_id)
    assert (found.status, found.started_at, found.dispatch_count) == ("pending", None, 1)
    assert len(timeline(run_id)) == 1


def test_run_preview_lists_the_boards(worker, client, boards, user_id):
    for number in range(3):
        boards.greenhouse(f"b{number}", [job(number, "Engineer")])
        company(user_id, f"b{number}")
    preview_id = client.post("/api/ingestion/dry-run").json["preview_id"]
    wait_until(lambda: at.preview(preview_id).finished_at, what="the preview's end")
    assert [(unit.state, unit.matched) for unit in units(preview_id)] == [("listed", 1)] * 3


def test_ingest_ignores_copies_and_ended_runs(worker, app):
    run_id = make_run("aborted")
    before = row(run_id)
    for _ in range(20):
        app.extensions["celery"].tasks[ingest.name].apply_async((run_id,))
    wait_until(lambda: len(receipts(worker, run_id)) == 20, what="twenty lines")
    assert row(run_id) == before


def test_worker_writes_heartbeats(worker, app):
    wait_until(lambda: Component.WORKER in heartbeats.heartbeat_ages(), what="a heartbeat")


def test_worker_consumes_again_after_its_connections_were_cut(worker, app, broker, user_id):
    broker.client_kill_filter(_type="normal", skipme=True)
    run_id, _ = start.start_run(user_id)
    wait_until(lambda: receipts(worker, run_id), what="the worker's line about the run")
    sql("TRUNCATE heartbeats")
    wait_until(lambda: Component.WORKER in heartbeats.heartbeat_ages(), what="a heartbeat over the new connection")


def test_tasks_are_registered_under_their_names_and_routed(app):
    celery = app.extensions["celery"]
    assert celery.tasks["ingestion.run"].name == ingest.name == "ingestion.run"
    assert celery.tasks["preview.run"].name == run_preview.name == "preview.run"
    assert celery.conf.task_default_queue == "ingestion"
    assert celery.conf.task_ignore_result is True
    assert celery.conf.accept_content == ["json"]
    assert celery.conf.task_acks_late is False
