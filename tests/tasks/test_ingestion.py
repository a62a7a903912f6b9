"""The tasks in a real worker on a real broker."""

from dataclasses import replace

from app.models import Component
from app.services.health import heartbeats
from app.services.runs import outbox, start
from app.tasks.ingestion import ingest
from app.tasks.preview import run_preview
from tests.support import previews as at
from tests.support.boards import job
from tests.support.factories import make_run, make_run_company, row, run_companies, sql, timeline
from tests.support.lines import events
from tests.support.listings import list_board
from tests.support.previews import company, units
from tests.support.waiting import wait_until


def receipts(worker, run_id: int) -> list[dict]:
    return [line for line in events(worker(), "run received") if line["run_id"] == run_id]


def run_task(app, run_id: int) -> None:
    """Run the task of a run in this process, as a worker does."""
    app.extensions["celery"].tasks[ingest.name](run_id)


def use_ingestion(app, monkeypatch, ingestion: str) -> None:
    """Select the work of the task, as the setting INGESTION does at the start of a process."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], ingestion=ingestion))


def test_ingest_logs_the_ids_of_the_run_and_the_request(worker, client):
    answer = client.post("/api/ingestion/start", headers={"X-Request-ID": "from-the-page"})
    run_id = answer.json["run_id"]
    [line] = wait_until(lambda: receipts(worker, run_id), what="the worker's line about the run")
    assert (line["level"], line["request_id"]) == ("info", "from-the-page")
    assert line["task_id"]


def test_ingest_carries_a_run_out_in_the_worker(worker, app, boards, broker, user_id):
    run_id = make_run("pending", user_id, companies_total=2)
    for number in range(2):
        boards.greenhouse(f"b{number}", [job(number, "Engineer"), job(number + 10, "Cook")])
        make_run_company(run_id, f"b{number}")
    outbox.publish(run_id)
    wait_until(lambda: row(run_id).status == "finished", what="the run's end")
    found = row(run_id)
    assert (found.total_jobs, found.jobs_ready, found.attempts) == (4, 4, 0)
    assert [company.state for company in run_companies(run_id)] == ["taken_in"] * 2


def test_ingest_changes_nothing_under_noop_and_works_later(app, monkeypatch, user_id):
    list_board("acme", ["Engineer"])
    run_id = make_run("pending", user_id, companies_total=1)
    make_run_company(run_id, "acme")
    before = row(run_id), run_companies(run_id)
    use_ingestion(app, monkeypatch, "noop")
    run_task(app, run_id)
    assert (row(run_id), run_companies(run_id), len(timeline(run_id))) == (*before, 1)
    assert before[0].worker_seen_at is None
    use_ingestion(app, monkeypatch, "run")
    run_task(app, run_id)
    assert (row(run_id).status, row(run_id).jobs_ready) == ("finished", 1)


def test_ingest_survives_an_unavailable_database(app, user_id):
    run_id = make_run("pending", user_id)
    sql("ALTER TABLE run_companies RENAME TO elsewhere")
    try:
        run_task(app, run_id)
    finally:
        sql("ALTER TABLE elsewhere RENAME TO run_companies")
    run_task(app, run_id)
    assert row(run_id).status == "finished"


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
