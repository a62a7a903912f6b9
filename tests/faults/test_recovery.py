"""A product whose process is killed recovers by itself, and loses no run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event
from typing import Any

import psutil
import psycopg
import pytest

from app.models import Component
from tests.support.product import RECOVERY_SECONDS, Answer, Product
from tests.support.waiting import wait_until

PROCESSES = {
    "postgres": "bin/postgres -D",
    "redis": "redis-server",
    "web": "-m gunicorn",
    "worker": "-n worker",
    "previewer": "-n previewer",
    "reader": "-n reader",
    "reconciler": "runs reconcile",
}
REDISPATCH_SECONDS = 120
"""Seconds until a republished message must be received: 15 s of backoff, 5 s for a pass, and the worker's restart."""


@pytest.mark.parametrize("name", PROCESSES)
def test_killed_process_is_restarted_and_no_run_is_lost(healthy: Product, name: str) -> None:
    run_id = healthy.start_run()
    before = healthy.processes_matching(PROCESSES[name])
    killed_at = healthy.sql("SELECT clock_timestamp()")[0][0]

    healthy.main_process(PROCESSES[name]).kill()

    wait_until(lambda: is_replaced(healthy, name, before), RECOVERY_SECONDS, f"the new {name}")
    wait_until(lambda: all_reported_since(healthy, killed_at), RECOVERY_SECONDS, "a heartbeat of every component")
    wait_until(lambda: healthy.health() == "ok", RECOVERY_SECONDS, "recovery")
    assert healthy.current_run_id() == run_id
    assert healthy.run(run_id)["status"] == "pending"
    assert healthy.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    next_run_id = healthy.start_run()
    wait_until(lambda: healthy.receipts(next_run_id), RECOVERY_SECONDS, "the receipt of the next run")


def test_message_lost_with_redis_is_published_again(healthy: Product) -> None:
    freeze_launcher_and(healthy, healthy.main_process(PROCESSES["worker"]).kill)
    # Living previewers and readers wait in Redis, too.
    for name in ("previewer", "reader"):
        healthy.main_process(PROCESSES[name]).kill()
    with healthy.broker() as connection:
        end = "the end of the dead worker's BRPOP"
        wait_until(lambda: connection.info("clients")["blocked_clients"] == 0, what=end)
    run_id = healthy.start_run()
    wait_until(lambda: healthy.run(run_id)["dispatched_at"], what="the first publish")
    dispatches = dispatch_count(healthy, run_id)
    with healthy.broker() as connection:
        assert connection.llen("job-ingestion:ingestion") == 1
        connection.flushall()

    healthy.main_process(PROCESSES["redis"]).kill()
    assert healthy.receipts(run_id) == 0
    # Skip the backoff of 15 s.
    healthy.sql("UPDATE ingestion_runs SET next_dispatch_at = now() WHERE id = %s", run_id)
    healthy.resume_launcher()

    wait_until(lambda: healthy.receipts(run_id), REDISPATCH_SECONDS, "the receipt")
    wait_until(lambda: dispatch_count(healthy, run_id) > dispatches, what="the count of a second publish")
    assert healthy.current_run_id() == run_id


def test_workers_receive_messages_after_a_flush_of_redis(healthy: Product) -> None:
    healthy.flush_redis()

    run_id = healthy.start_run()

    wait_until(lambda: healthy.receipts(run_id), REDISPATCH_SECONDS, "the receipt")


def test_message_lost_with_a_worker_is_received_by_the_next(healthy: Product) -> None:
    for process in healthy.processes_matching(PROCESSES["worker"]):
        process.suspend()
    run_id = healthy.start_run()
    wait_until(lambda: healthy.run(run_id)["dispatched_at"], what="the first publish")

    assert healthy.receipts(run_id) == 0
    for process in healthy.processes_matching(PROCESSES["worker"]):
        process.kill()

    wait_until(lambda: healthy.receipts(run_id), REDISPATCH_SECONDS, "the receipt")
    assert healthy.current_run_id() == run_id


def test_requests_are_answered_503_while_postgresql_is_unavailable(
    healthy: Product,
) -> None:
    run_id = healthy.start_run()
    freeze_launcher_and(healthy, healthy.main_process(PROCESSES["postgres"]).kill)
    patterns = ("postgres: ", PROCESSES["postgres"])
    wait_until(lambda: not any(map(healthy.processes_matching, patterns)), what="the end of PostgreSQL")

    for answer in send_every_kind_of_request(healthy, run_id):
        assert answer.status == 503
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.document["code"] in ("database_unavailable", "not_ready")
        assert "connection" not in str(answer.document["detail"])
    assert healthy.request_json("GET", "/healthz") == (200, {"status": "ok"})
    healthy.resume_launcher()

    wait_until(lambda: healthy.health() in ("ok", "degraded"), RECOVERY_SECONDS, "PostgreSQL's recovery")
    assert healthy.current_run_id() == run_id
    assert healthy.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    healthy.start_run()


def test_requests_during_a_restart_of_postgresql_get_a_result_or_503(
    healthy: Product,
) -> None:
    run_id = healthy.start_run()
    before = healthy.processes_matching(PROCESSES["postgres"])
    done = Event()

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(request_until, done, healthy, run_id) for _ in range(4)]
        try:
            healthy.main_process(PROCESSES["postgres"]).kill()
            wait_until(lambda: is_replaced(healthy, "postgres", before), RECOVERY_SECONDS, "the new PostgreSQL")
            wait_until(lambda: healthy.health() in ("ok", "degraded"), RECOVERY_SECONDS, "PostgreSQL's recovery")
        finally:
            done.set()

    statuses = {status for future in loads for status in future.result()}
    assert statuses <= {200, 409, 503}
    assert {200, 503} <= statuses
    assert healthy.current_run_id() == run_id


def send_every_kind_of_request(product: Product, run_id: int) -> list[Answer]:
    """Send one request of each kind. The abort comes last, because it would change the others' answers."""
    return [
        product.request("GET", "/readyz"),
        product.request("GET", "/api/ingestion/current-run"),
        product.request("GET", "/api/ingestion/runs"),
        product.request("GET", f"/api/ingestion/runs/{run_id}"),
        product.request("GET", f"/api/ingestion/runs/{run_id}/events"),
        product.request("POST", "/api/ingestion/start"),
        product.request("POST", f"/api/ingestion/abort/{run_id}"),
    ]


def request_until(done: Event, product: Product, run_id: int) -> list[int]:
    """Read the run and start another, which is refused, until ``done``; return every status."""
    statuses = []
    while not done.is_set():
        statuses.append(product.request("GET", f"/api/ingestion/runs/{run_id}").status)
        statuses.append(product.request("POST", "/api/ingestion/start").status)
    return statuses


def freeze_launcher_and(product: Product, action: Callable[[], Any]) -> None:
    """Freeze the launcher, then call ``action``: a killed process is not restarted until the launcher resumes."""
    product.suspend_launcher()
    action()


def is_replaced(product: Product, name: str, before: list[psutil.Process]) -> bool:
    """Return whether processes of that name run, all of them new."""
    now = product.processes_matching(PROCESSES[name])
    return bool(now) and not set(now) & set(before)


def all_reported_since(product: Product, moment: datetime) -> bool:
    """Return whether each component recorded a heartbeat after that moment."""
    try:
        rows = product.sql("SELECT component FROM heartbeats GROUP BY component HAVING max(at) > %s", moment)
    except psycopg.OperationalError:
        return False
    return len(rows) == len(Component)


def dispatch_count(product: Product, run_id: int) -> int:
    return int(product.sql("SELECT dispatch_count FROM ingestion_runs WHERE id = %s", run_id)[0][0])
