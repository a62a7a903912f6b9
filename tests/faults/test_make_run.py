"""``make run``: start, stop, and the cleanup after a kill."""

import os
import signal
import socket
from pathlib import Path

import pytest

from app.embedded.data_dir import short_path
from tests.faults.conftest import DEEP
from tests.support.lines import events
from tests.support.product import Product, refusal, temporary_product
from tests.support.waiting import WAIT_TIMEOUT, wait_until


def test_start_prints_the_address_once_the_product_is_ready(running: Product) -> None:
    [ready] = [line for line in running.output().splitlines() if "is ready at http://" in line]
    # On a slow machine the line may end with the components that are not ready yet.
    assert ready.partition(", degraded: ")[0] == f"Job Ingestion is ready at {running.url} (Ctrl-C stops it)"
    answer = running.request("GET", "/readyz")
    assert (answer.status, answer.document["status"]) == (200, "ok")
    assert all(check["ok"] for check in answer.document["checks"].values())
    assert "Traceback" not in running.output()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_stop_ends_all_processes_and_keeps_the_runs(running: Product, number: signal.Signals) -> None:
    run_id = active_run(running)

    assert running.stop(number) == 0

    assert_gone(running)
    running.start()
    assert running.current_run_id() == run_id


@pytest.mark.parametrize("what", ["nothing", "a half-made cluster"])
def test_stop_during_the_first_steps_of_a_start_leaves_nothing(folder: Path, what: str) -> None:
    """Use a folder so deep that it needs a short link. The stop must remove the link too."""
    with temporary_product(folder / DEEP) as product:
        launcher = product.launch()
        if what == "a half-made cluster":
            wait_until(lambda: "Creating the database" in product.output(), what="the message about the cluster")
        else:
            # The launcher blocks the signals from its first line on, so that no stop is lost.
            wait_until(lambda: blocks_signal(launcher.pid, signal.SIGINT), what="the blocked signals")
        assert product.stop() == 0
        assert "Traceback" not in product.output()
        assert_gone(product)
        assert not short_path(product.data_dir).is_symlink()
        assert not list(product.data_dir.glob("postgres/cluster.new-*"))


def blocks_signal(pid: int, number: signal.Signals) -> bool:
    [mask] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk")]
    return bool(int(mask.split()[1], 16) & 1 << (number - 1))


def test_stop_in_the_middle_of_a_start_leaves_nothing_running(fresh: Product) -> None:
    fresh.launch()
    wait_until(lambda: events(fresh.output(), "process started"), what="PostgreSQL's start")

    assert fresh.stop() == 0
    assert_gone(fresh)


def test_kill_of_the_launcher_ends_all_processes_and_keeps_the_runs(running: Product) -> None:
    run_id = active_run(running)

    kill_launcher(running)

    wait_until(lambda: not running.processes(), what="the end of all processes")
    assert_gone(running)
    running.start()
    assert running.current_run_id() == run_id


def test_start_stops_processes_that_a_killed_launcher_left(running: Product) -> None:
    run_id = active_run(running)
    # A frozen process does not end when the kernel signals the death of its parent.
    for process in running.processes_matching("runs reconcile"):
        process.suspend()

    kill_launcher(running)
    wait_until(lambda: len(running.processes()) == 1, what="the end of the others")
    [left] = running.processes()
    running.start()

    assert "Stopped 1 process left over from an earlier start." in running.output()
    assert left not in running.processes()
    assert running.current_run_id() == run_id
    wait_until(lambda: running.health() == "ok", what="/readyz ok")


def test_start_waits_for_the_end_of_a_killed_product(running: Product) -> None:
    run_id = active_run(running)

    kill_launcher(running)
    running.start()

    assert running.current_run_id() == run_id
    wait_until(lambda: running.health() == "ok", what="/readyz ok")


def test_two_products_run_side_by_side(running: Product, deep: Product) -> None:
    abort_active_run(running)
    run_id = active_run(deep)

    wait_until(lambda: deep.receipts(run_id), what="the receipt by the product's own worker")
    assert running.current_run_id() is None
    assert (running.health(), deep.health()) == ("ok", "ok")
    assert not {process.pid for process in running.processes()} & {process.pid for process in deep.processes()}


def test_stop_in_a_deep_folder_removes_the_short_link(
    running: Product, deep: Product
) -> None:
    link = short_path(deep.data_dir)
    assert len(os.fsencode(deep.data_dir)) > 107
    assert link.readlink() == deep.data_dir

    assert deep.stop() == 0

    assert not link.is_symlink()
    assert_gone(deep)
    assert running.health() == "ok"
    assert running.request_json("GET", "/api/ingestion/current-run")[0] == 200


def test_second_start_in_the_same_data_folder_is_refused(running: Product) -> None:
    servers = running.processes_matching("bin/postgres -D")

    output = refusal(running.data_dir, allowed_line_counts=(1, 2), PORT=str(running.port))

    assert "is in use by Job Ingestion" in output.splitlines()[-1]  # a slow machine first prints that it waits
    assert running.processes_matching("bin/postgres -D") == servers
    assert running.health() == "ok"


def test_commands_use_the_database_of_the_running_product(running: Product) -> None:
    run_id = active_run(running)
    server = running.main_process("bin/postgres -D")

    assert running.command("db", "upgrade").returncode == 0
    assert f"{run_id} " in running.command("runs", "list").stdout
    assert " published" in running.command("runs", "reconcile", "--once").stdout
    assert running.command("runs", "abort", str(run_id)).returncode == 0

    assert running.run(run_id)["status"] == "aborted"
    assert "aborted  by operator" in running.command("runs", "show", str(run_id)).stdout
    assert running.main_process("bin/postgres -D") == server
    assert running.health() == "ok"


def test_start_keeps_the_heartbeats_of_another_machine(running: Product) -> None:
    running.sql("INSERT INTO heartbeats VALUES ('worker', 'celery@elsewhere', clock_timestamp())")

    assert running.stop() == 0
    running.start()

    assert running.sql("SELECT 1 FROM heartbeats WHERE instance = 'celery@elsewhere'")


def active_run(product: Product) -> int:
    return product.current_run_id() or product.start_run()


def abort_active_run(product: Product) -> None:
    if run_id := product.current_run_id():
        assert product.request_json("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def kill_launcher(product: Product) -> None:
    assert product.launcher is not None
    product.launcher.kill()
    product.launcher.wait(WAIT_TIMEOUT)


def assert_gone(product: Product) -> None:
    """Assert that no process, socket or listener is left. It does not wait, because the launcher has ended."""
    assert product.processes() == []
    assert product.sockets() == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.port)) != 0


def test_stop_signals_at_once_stop_the_product_once(running: Product) -> None:
    assert running.launcher is not None
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        running.launcher.send_signal(number)

    assert running.launcher.wait(WAIT_TIMEOUT) == 0
    assert_gone(running)
