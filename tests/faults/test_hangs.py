"""What a running product does when one of its processes hangs: it answers, says what is wrong, and catches up."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.support.product import Product
from tests.support.waiting import wait_until

START_SECONDS = 6
"""Within which a start is answered, whatever the broker does: twice what is promised, because this machine is busy."""

NOTICE_SECONDS = 60
"""/readyz promises 10."""

CATCH_UP_SECONDS = 60
"""A run is promised to be handed over within 15."""

CLIENTS = 32

REQUESTS = 500
"""More than a pipe has room for their lines."""


def test_a_start_is_answered_in_time_while_redis_hangs_and_is_handed_over_when_it_is_back(well: Product) -> None:
    wait_until(lambda: publishes(well), CATCH_UP_SECONDS, "a publish by the web server itself")
    broker = well.main_process("redis-server")
    broker.suspend()

    began = time.monotonic()
    run_id = well.start_run()
    assert time.monotonic() - began < START_SECONDS

    wait_until(lambda: "redis" in faults(well), NOTICE_SECONDS, "the notice")
    assert "redis" in faults(well)["redis"]
    assert well.health() == "degraded"
    assert well.current_run() == run_id
    assert well.run(run_id)["dispatched_at"] is None
    assert well.receipts(run_id) == 0
    broker.resume()
    wait_until(lambda: well.run(run_id)["dispatched_at"], CATCH_UP_SECONDS, "the hand-over")
    wait_until(lambda: well.receipts(run_id), CATCH_UP_SECONDS, "the receipt")


def test_of_many_starts_at_once_while_redis_hangs_one_wins_and_none_waits_longer_than_promised(well: Product) -> None:
    wait_until(lambda: publishes(well), CATCH_UP_SECONDS, "a publish by the web server itself")
    well.main_process("redis-server").suspend()
    together = Barrier(CLIENTS)

    def start(_: int) -> tuple[int, int, float]:
        together.wait()
        began = time.monotonic()
        status, document = well.call("POST", "/api/ingestion/start")
        return status, document["run_id"], time.monotonic() - began

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(start, range(CLIENTS)))

    assert sorted(status for status, _, _ in answers) == [201] + [409] * (CLIENTS - 1)
    assert {run_id for _, run_id, _ in answers} == {well.current_run()}
    assert max(seconds for _, _, seconds in answers) < START_SECONDS


@pytest.mark.parametrize(("name", "words"), [("worker", "-m celery"), ("reconciler", "runs reconcile")])
def test_a_process_that_hangs_is_named_while_start_and_abort_still_work(well: Product, name: str, words: str) -> None:
    for process in well.team(words):
        process.suspend()

    wait_until(lambda: name in faults(well), NOTICE_SECONDS, "the notice")
    assert name in faults(well)[name]
    assert well.health() == "degraded"
    run_id = well.start_run()
    assert well.current_run() == run_id
    assert well.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def test_a_launcher_that_hangs_and_reads_no_log_any_more_stops_nobody(well: Product) -> None:
    run_id = well.start_run()
    well.suspend_launcher()

    # Each is a line of the log, and a pipe takes 64 KiB of them.
    for _ in range(REQUESTS):
        assert well.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def publishes(product: Product) -> bool:
    """Whether the web server hands a new run over itself, as it does not for a while after the broker was away."""
    run_id = product.start_run()
    handed_over = product.run(run_id)["dispatched_at"] is not None
    assert product.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    return handed_over


def faults(product: Product) -> dict[str, str]:
    """What /readyz says is wrong, by component; it answers with 200, because the product still does its work."""
    answer = product.ask("GET", "/readyz")
    assert answer.status == 200
    assert answer.document["checks"]["database"]["ok"]
    return {name: check["reason"] for name, check in answer.document["checks"].items() if not check["ok"]}
