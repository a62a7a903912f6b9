"""What a running product does when one of its processes is killed: it comes back by itself, and no run is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event
from typing import Any

import psutil
import psycopg
import pytest
import redis

from app.embedded import redis as embedded_redis
from app.embedded.data_dir import short_path
from tests.support.product import RECOVERY_SECONDS, Answer, Product
from tests.support.waiting import WAIT_TIMEOUT, wait_until

PROCESSES = {
    "postgres": "bin/postgres -D",
    "redis": "redis-server",
    "web": "-m gunicorn",
    "worker": "-m celery",
    "reconciler": "runs reconcile",
}
REDISPATCH_SECONDS = 120
"""The first back-off is 15 s; then the reconciler's 5 s, and the worker has to be back."""


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_comes_back_by_itself_and_no_run_is_lost(well: Product, name: str) -> None:
    run_id = well.start_run()
    before = well.team(PROCESSES[name])
    killed_at = well.sql("SELECT clock_timestamp()")[0][0]

    well.main_process(PROCESSES[name]).kill()

    wait_until(lambda: is_replaced(well, name, before), RECOVERY_SECONDS, f"the new {name}")
    wait_until(lambda: all_reported_since(well, killed_at), RECOVERY_SECONDS, "a sign of life of everybody")
    wait_until(lambda: well.health() == "ok", RECOVERY_SECONDS, "recovery")
    assert well.current_run() == run_id
    assert well.run(run_id)["status"] == "pending"
    assert well.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    next_run_id = well.start_run()
    wait_until(lambda: well.receipts(next_run_id), RECOVERY_SECONDS, "the receipt of the next run")


def test_a_message_lost_with_redis_is_published_again(well: Product) -> None:
    while_the_launcher_is_frozen(well, well.main_process(PROCESSES["worker"]).kill)
    with broker(well) as connection:
        wait_until(lambda: connection.info("clients")["blocked_clients"] == 0, what="the end of the dead worker's wait")
    run_id = well.start_run()
    wait_until(lambda: well.run(run_id)["dispatched_at"], what="the first publish")
    dispatches = dispatch_count(well, run_id)
    with broker(well) as connection:
        assert connection.llen("job-ingestion:ingestion") == 1
        connection.flushall()

    well.main_process(PROCESSES["redis"]).kill()
    assert well.receipts(run_id) == 0
    well.sql("UPDATE ingestion_runs SET next_dispatch_at = now() WHERE id = %s", run_id)  # the 15 s of the back-off
    well.resume_launcher()

    wait_until(lambda: well.receipts(run_id), REDISPATCH_SECONDS, "the receipt")
    wait_until(lambda: dispatch_count(well, run_id) > dispatches, what="the count of a second publish")
    assert well.current_run() == run_id


def test_a_flushed_redis_takes_messages_to_the_workers_that_were_there_before(well: Product) -> None:
    with broker(well) as connection:
        connection.flushall()

    run_id = well.start_run()

    wait_until(lambda: well.receipts(run_id), REDISPATCH_SECONDS, "the receipt")


def test_a_message_that_dies_with_its_worker_is_received_by_the_next_one(well: Product) -> None:
    for process in well.team(PROCESSES["worker"]):
        process.suspend()
    run_id = well.start_run()
    wait_until(lambda: well.run(run_id)["dispatched_at"], what="the first publish")

    assert well.receipts(run_id) == 0
    for process in well.team(PROCESSES["worker"]):
        process.kill()

    wait_until(lambda: well.receipts(run_id), REDISPATCH_SECONDS, "the receipt")
    assert well.current_run() == run_id


def test_while_postgresql_is_away_every_answer_is_503_with_a_time_to_wait_and_afterwards_all_work(
    well: Product,
) -> None:
    run_id = well.start_run()
    while_the_launcher_is_frozen(well, well.main_process(PROCESSES["postgres"]).kill)
    wait_until(lambda: not well.team("postgres: ") + well.team(PROCESSES["postgres"]), what="the end of PostgreSQL")

    for answer in every_kind_of_request(well, run_id):
        assert answer.status == 503
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.document["code"] in ("database_unavailable", "not_ready")
        assert "connection" not in str(answer.document["detail"])
    assert well.call("GET", "/healthz") == (200, {"status": "ok"})
    well.resume_launcher()

    wait_until(lambda: well.health() in ("ok", "degraded"), RECOVERY_SECONDS, "PostgreSQL's return")
    assert well.current_run() == run_id
    assert well.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    well.start_run()


def test_requests_in_flight_while_postgresql_is_killed_and_comes_back_are_answered_with_their_result_or_503(
    well: Product,
) -> None:
    run_id = well.start_run()
    before = well.team(PROCESSES["postgres"])
    done = Event()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask_until, done, well, run_id) for _ in range(4)]
        try:
            well.main_process(PROCESSES["postgres"]).kill()
            wait_until(lambda: is_replaced(well, "postgres", before), RECOVERY_SECONDS, "the new PostgreSQL")
            wait_until(lambda: well.health() in ("ok", "degraded"), RECOVERY_SECONDS, "PostgreSQL's return")
        finally:
            done.set()

    statuses = {status for future in asked for status in future.result()}
    assert statuses <= {200, 409, 503}
    assert {200, 503} <= statuses
    assert well.current_run() == run_id


def every_kind_of_request(product: Product, run_id: int) -> list[Answer]:
    """One of each; the abort is last, because it changes something where PostgreSQL is there."""
    return [
        product.ask("GET", "/readyz"),
        product.ask("GET", "/api/ingestion/current-run"),
        product.ask("GET", "/api/ingestion/runs"),
        product.ask("GET", f"/api/ingestion/runs/{run_id}"),
        product.ask("GET", f"/api/ingestion/runs/{run_id}/events"),
        product.ask("POST", "/api/ingestion/start"),
        product.ask("POST", f"/api/ingestion/abort/{run_id}"),
    ]


def ask_until(done: Event, product: Product, run_id: int) -> list[int]:
    """Ask again and again, reading and starting (which the active run refuses); returns every status."""
    statuses = []
    while not done.is_set():
        statuses.append(product.ask("GET", f"/api/ingestion/runs/{run_id}").status)
        statuses.append(product.ask("POST", "/api/ingestion/start").status)
    return statuses


def while_the_launcher_is_frozen(product: Product, deed: Callable[[], Any]) -> None:
    """Freeze the launcher, so that what is killed stays away until it is resumed."""
    product.suspend_launcher()
    deed()


def is_replaced(product: Product, name: str, before: list[psutil.Process]) -> bool:
    """Whether there are processes of that name, and all are others than before."""
    now = product.team(PROCESSES[name])
    return bool(now) and not set(now) & set(before)


def all_reported_since(product: Product, moment: datetime) -> bool:
    """Whether worker, reconciler and broker each gave a sign of life after that moment."""
    try:
        rows = product.sql("SELECT component FROM heartbeats GROUP BY component HAVING max(at) > %s", moment)
    except psycopg.OperationalError:
        return False
    return len(rows) == 3


def dispatch_count(product: Product, run_id: int) -> int:
    return int(product.sql("SELECT dispatch_count FROM ingestion_runs WHERE id = %s", run_id)[0][0])


def broker(product: Product) -> "redis.Redis":
    """A connection to the product's own Redis."""
    path = embedded_redis.redis_socket(short_path(product.data_dir))
    password = (product.data_dir / "redis.password").read_text()
    return redis.Redis(unix_socket_path=str(path), password=password, socket_timeout=WAIT_TIMEOUT)
