"""A product with a hanging process answers requests, reports the fault and catches up afterwards."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.support.product import Product
from tests.support.waiting import wait_until

START_SECONDS = 6
"""Time limit for the answer to a start: twice the promised time, because the machine is busy."""

NOTICE_SECONDS = 60
"""Time limit for /readyz to report a fault; the product promises 10 seconds."""

CATCH_UP_SECONDS = 60
"""Time limit for a run to be published; the product promises 15 seconds."""

CLIENTS = 32

REQUESTS = 500
"""Number of requests whose log lines do not fit into a pipe."""


def test_start_is_answered_while_redis_hangs_and_published_afterwards(healthy: Product) -> None:
    wait_until(lambda: publishes(healthy), CATCH_UP_SECONDS, "a publish by the web server itself")
    broker = healthy.main_process("redis-server")
    broker.suspend()

    began = time.monotonic()
    run_id = healthy.start_run()
    assert time.monotonic() - began < START_SECONDS

    wait_until(lambda: "redis" in faults(healthy), NOTICE_SECONDS, "the report in /readyz")
    assert "redis" in faults(healthy)["redis"]
    assert healthy.health() == "degraded"
    assert healthy.current_run_id() == run_id
    assert healthy.run(run_id)["dispatched_at"] is None
    assert healthy.receipts(run_id) == 0
    broker.resume()
    wait_until(lambda: healthy.run(run_id)["dispatched_at"], CATCH_UP_SECONDS, "the publish")
    wait_until(lambda: healthy.receipts(run_id), CATCH_UP_SECONDS, "the receipt")


def test_starts_at_once_are_answered_in_time_while_redis_hangs(healthy: Product) -> None:
    wait_until(lambda: publishes(healthy), CATCH_UP_SECONDS, "a publish by the web server itself")
    healthy.main_process("redis-server").suspend()
    barrier = Barrier(CLIENTS)

    def start(_: int) -> tuple[int, int, float]:
        barrier.wait()
        began = time.monotonic()
        status, document = healthy.request_json("POST", "/api/ingestion/start")
        return status, document["run_id"], time.monotonic() - began

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(start, range(CLIENTS)))

    assert sorted(status for status, _, _ in answers) == [201] + [409] * (CLIENTS - 1)
    assert {run_id for _, run_id, _ in answers} == {healthy.current_run_id()}
    assert max(seconds for _, _, seconds in answers) < START_SECONDS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("worker", "-n worker"), ("previewer", "-n previewer"), ("reader", "-n reader"),
        ("reconciler", "runs reconcile"),
    ],
)
def test_readyz_names_a_hanging_process_while_start_and_abort_work(healthy: Product, name: str, words: str) -> None:
    for process in healthy.processes_matching(words):
        process.suspend()

    wait_until(lambda: name in faults(healthy), NOTICE_SECONDS, "the report in /readyz")
    assert name in faults(healthy)[name]
    assert healthy.health() == "degraded"
    run_id = healthy.start_run()
    assert healthy.current_run_id() == run_id
    assert healthy.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def test_requests_are_answered_while_a_hanging_launcher_reads_no_log(healthy: Product) -> None:
    run_id = healthy.start_run()
    healthy.suspend_launcher()

    # Each request is a log line, and a pipe holds 64 KiB.
    for _ in range(REQUESTS):
        assert healthy.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def publishes(product: Product) -> bool:
    """Return whether the web server publishes a new run itself. After a failed publish it pauses publishing."""
    run_id = product.start_run()
    published = product.run(run_id)["dispatched_at"] is not None
    assert product.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    return published


def faults(product: Product) -> dict[str, str]:
    """Return the faults that /readyz reports, by component. It answers 200, because the product still works."""
    answer = product.request("GET", "/readyz")
    assert answer.status == 200
    assert answer.document["checks"]["database"]["ok"]
    return {name: check["reason"] for name, check in answer.document["checks"].items() if not check["ok"]}
