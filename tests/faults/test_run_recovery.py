"""A run ends with each job once, whatever is killed meanwhile, and nothing that comes after its end changes it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

import psutil
import psycopg
import pytest

from tests.drills.faults import COMMAND_LINES, all_processes, children, main_process
from tests.support.boards import Boards, environment, job
from tests.support.product import Product, ensure_running, temporary_folder, temporary_product
from tests.support.waiting import wait_until

SETTINGS = {"INGESTION": "run", "LEASE_SECONDS": "3", "READER_CONCURRENCY": "1", "WORKER_CONCURRENCY": "2"}
CARRIERS = ("worker", "previewer", "web", "reconciler")
BESIDES = ("redis", "web", "previewer", "reader", "reconciler")
"""The programs that a part of a company does not need."""

SIZE, STOPPED_AT = 400, 390
"""Jobs of a company of two parts, and the one in the second part that a test holds."""

STOPPED = "SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
TOLD = """
SELECT company, external_id, ARRAY(SELECT kind FROM job_events WHERE job_events.job_id = jobs.id)
FROM jobs WHERE run_id = %s ORDER BY company, external_id
"""
WRITTEN = """
SELECT (SELECT json_agg(runs) FROM ingestion_runs AS runs WHERE id = %(run)s)::text,
       (SELECT array_agg((position, xmin)::text ORDER BY position) FROM run_companies WHERE run_id = %(run)s),
       (SELECT array_agg((id, xmin)::text ORDER BY id) FROM jobs), (SELECT count(*) FROM job_events)
"""
HOLD = """
INSERT INTO jobs (user_id, company, external_id, url, status, source, board_id, company_name)
SELECT user_id, 'greenhouse:' || board, %s, 'https://example.org', 'ready', source, board_id, name
FROM companies WHERE board = %s
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Boards]:
    """The boards."""
    server = Boards()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ingesting_product(server: Boards) -> Iterator[Product]:
    """A product that carries runs out, with these boards and short leases."""
    with temporary_folder() as folder, temporary_product(folder, **SETTINGS, **environment(server.url)) as product:
        yield product


@pytest.fixture
def product(ingesting_product: Product, server: Boards) -> Iterator[Product]:
    """The product, running, without an active run."""
    running = ensure_running(ingesting_product)
    if run_id := running.current_run_id():
        assert running.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200
    yield running
    running.resume()
    server.reset()


@pytest.mark.parametrize("names", [CARRIERS, ("reader",), ("postgres",), ("redis",)])
def test_run_that_waits_for_a_board_survives_a_kill(product: Product, server: Boards, names: tuple[str, ...]) -> None:
    hold, slow, quick = Event(), f"slow-{names[0]}", f"quick-{names[0]}"
    path = server.greenhouse(slow, [job(1, "Cook"), job(2, "Baker")], hold)
    server.greenhouse(quick, [job(3, "Gardener")])
    run_id = start_run(product, slow, quick)
    wait_until(lambda: server.count(path), what="the request")
    server.greenhouse(slow, [job(1, "Cook"), job(2, "Baker")])

    kill(product, *names)
    hold.set()

    assert wait_for_end(product, run_id) == "finished"
    assert told(product, run_id) == [(quick, "3", ["new"]), (slow, "1", ["new"]), (slow, "2", ["new"])]


@pytest.mark.parametrize("names", [("worker",), ("postgres",), BESIDES])
def test_run_whose_part_is_being_written_survives_a_kill(
    product: Product, server: Boards, names: tuple[str, ...]
) -> None:
    board = f"part-{names[0]}"
    with stopped_part(product, server, board) as (run_id, other):
        kill(product, *names)
        release(other)
    if "worker" not in names:
        skip_pause(product, run_id)

    assert_taken_in_once(product, run_id, board)


def test_run_is_carried_on_by_the_next_child_of_its_worker(product: Product, server: Boards) -> None:
    with stopped_part(product, server, "child") as (run_id, other):
        for process in children(product, "worker"):
            process.kill()
        release(other)
    skip_pause(product, run_id)

    assert_taken_in_once(product, run_id, "child")


def test_worker_that_is_stopped_leaves_its_run_to_the_next(product: Product, server: Boards) -> None:
    with stopped_part(product, server, "stopped") as (run_id, other):
        stopped = main_process(product, "worker")
        stopped.terminate()
        release(other)
    wait_until(lambda: not stopped.is_running(), what="the end of the worker")

    assert_taken_in_once(product, run_id, "stopped")


def test_message_lost_with_its_worker_and_redis_is_published_again(product: Product, server: Boards) -> None:
    hold = Event()
    path = server.greenhouse("lost", [job(1, "Cook")], hold)
    run_id = start_run(product, "lost")
    wait_until(lambda: server.count(path), what="the request")
    published = dispatches(product, run_id)
    for process in all_processes(product, "worker"):
        process.suspend()
    hold.set()
    wait_until(lambda: dispatches(product, run_id) > published, what="the message of the last board")
    kill(product, "worker")
    product.flush_redis()
    skip_pause(product, run_id)

    assert wait_for_end(product, run_id) == "finished"
    assert told(product, run_id) == [("lost", "1", ["new"])]


def test_messages_that_come_often_or_late_change_nothing(product: Product, server: Boards) -> None:
    with stopped_part(product, server, "often") as (run_id, other):
        publish(product, run_id, 5)
        release(other)
    assert_taken_in_once(product, run_id, "often")
    written = WRITTEN.replace("%(run)s", str(run_id))
    before, received = product.sql(written), product.receipts(run_id)

    publish(product, run_id, 2)

    wait_until(lambda: product.receipts(run_id) >= received + 2, what="the receipts")
    stop_worker(product)
    assert product.sql(written) == before


def start_run(product: Product, *boards: str) -> int:
    """Start a run of these boards alone, of which no listing is stored."""
    product.request_json("GET", "/api/ingestion/current-run")
    product.sql("UPDATE companies SET enabled = false")
    for board in boards:
        product.sql(
            "INSERT INTO companies (user_id, source, board, name) SELECT min(user_id), 'greenhouse', %s, %s FROM users",
            board, board,
        )
    return product.start_run()


@contextmanager
def stopped_part(product: Product, server: Boards, board: str) -> Iterator[tuple[int, Any]]:
    """Start a run of a company of two parts, and stop the second one until the connection that is yielded rolls back.

    The second part waits for a job of the same key, which the connection has not committed.
    """
    hold = Event()
    server.greenhouse(board, [job(number, "Cook") for number in range(1, SIZE + 1)], hold)
    run_id = start_run(product, board)
    with product.connect() as other:
        other.execute(HOLD, [str(STOPPED_AT), board])
        hold.set()
        wait_until(lambda: product.sql(STOPPED, other.info.backend_pid), what="the second part")
        assert product.sql("SELECT parts FROM run_companies WHERE run_id = %s", run_id) == [(1,)]
        yield run_id, other


def release(other: "psycopg.Connection[Any]") -> None:
    """Roll the transaction back, also if PostgreSQL has ended it."""
    with suppress(psycopg.OperationalError):
        other.rollback()


def kill(product: Product, *names: str) -> None:
    """Kill the processes of these programs."""
    assert set(names) <= COMMAND_LINES.keys()
    for name in names:
        for process in all_processes(product, name) if name != "postgres" else [main_process(product, name)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def publish(product: Product, run_id: int, times: int) -> None:
    """Publish a run this often, from another process."""
    lines = ["from app.services.runs import outbox", f"print([outbox.publish({run_id}) for _ in range({times})])"]
    published = product.command("shell", stdin="\n".join([*lines, ""]))
    assert str([True] * times) in published.stdout, published.stderr


def skip_pause(product: Product, run_id: int) -> None:
    """Skip the rest of the 10 s after the last sign of a worker; the reconciler publishes the run at its next pass."""
    due = "UPDATE ingestion_runs SET next_dispatch_at = now() WHERE id = %s AND finished_at IS NULL RETURNING id"
    wait_until(lambda: query(product, due, run_id) is not None, what="PostgreSQL")


def wait_for_end(product: Product, run_id: int) -> str:
    """Wait until a run has ended, and return its status."""
    status = "SELECT status FROM ingestion_runs WHERE id = %s AND finished_at IS NOT NULL"
    found = wait_until(lambda: query(product, status, run_id), what="the end of the run", pause=0.05)
    return str(found[0][0])


def query(product: Product, statement: str, *values: Any) -> list[Any] | None:
    """Return the rows of a statement, or None while PostgreSQL does not answer."""
    try:
        return product.sql(statement, *values)
    except psycopg.OperationalError:
        return None


def told(product: Product, run_id: int) -> list[tuple[str, str, list[str]]]:
    """Return the board, the external id and the events of each job that a run changed last."""
    return [(company.removeprefix("greenhouse:"), *more) for company, *more in product.sql(TOLD, run_id)]


def assert_taken_in_once(product: Product, run_id: int, board: str) -> None:
    """Wait for the end of a run of one company of SIZE jobs, which must have each job once and count it once."""
    assert wait_for_end(product, run_id) == "finished"
    assert sorted(told(product, run_id), key=lambda each: int(each[1])) == [
        (board, str(number), ["new"]) for number in range(1, SIZE + 1)
    ]
    columns = "total_jobs, jobs_ready, jobs_skipped, jobs_failed, jobs_expired"
    assert product.sql(f"SELECT {columns} FROM ingestion_runs WHERE id = %s", run_id) == [(SIZE, SIZE, 0, 0, 0)]
    assert product.sql("SELECT state, new_jobs FROM run_companies WHERE run_id = %s", run_id) == [("taken_in", SIZE)]


def dispatches(product: Product, run_id: int) -> int:
    """Return how often a run was published."""
    return int(product.sql("SELECT dispatch_count FROM ingestion_runs WHERE id = %s", run_id)[0][0])


def stop_worker(product: Product) -> None:
    """Stop the worker after its tasks, and wait for its end. The launcher starts another."""
    stopped = main_process(product, "worker")
    stopped.terminate()
    wait_until(lambda: not stopped.is_running(), what="the end of the worker")
