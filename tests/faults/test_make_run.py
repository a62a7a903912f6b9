"""``make run``: how it starts, how it ends, and what is left when it is killed."""

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


def test_a_start_says_once_where_the_product_is_and_the_product_is_ready_there(running: Product) -> None:
    [ready] = [line for line in running.printed().splitlines() if "is ready at http://" in line]
    # On a slow machine not everything is well by then, which is said.
    assert ready.partition(", degraded: ")[0] == f"Job Ingestion is ready at {running.url} (Ctrl-C stops it)"
    answer = running.ask("GET", "/readyz")
    assert (answer.status, answer.document["status"]) == (200, "ok")
    assert all(check["ok"] for check in answer.document["checks"].values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_product_ends_with_code_0_leaves_nothing_running_and_keeps_its_runs(
    running: Product, number: signal.Signals
) -> None:
    run_id = active_run(running)

    assert running.stop(number) == 0

    assert_gone(running)
    running.start()
    assert running.current_run() == run_id


@pytest.mark.parametrize("what", ["nothing", "a half-made cluster"])
def test_a_stop_at_the_very_beginning_ends_without_a_stack_trace_and_leaves_nothing(folder: Path, what: str) -> None:
    """In a folder so deep that it needs a short name, which must not be left either."""
    with temporary_product(folder / DEEP) as product:
        launcher = product.launch()
        if what == "a half-made cluster":
            wait_until(lambda: "Creating the database" in product.printed(), what="the first words")
        else:
            # From its first line on no stop may be lost, though it takes a second until it can answer one.
            wait_until(lambda: holds_back(launcher.pid, signal.SIGINT), what="the first line")
        assert product.stop() == 0
        assert "Traceback" not in product.printed()
        assert_gone(product)
        assert not short_path(product.data_dir).is_symlink()
        assert not list(product.data_dir.glob("postgres/cluster.new-*"))


def holds_back(pid: int, number: signal.Signals) -> bool:
    [mask] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk")]
    return bool(int(mask.split()[1], 16) & 1 << (number - 1))


def test_a_stop_in_the_middle_of_a_start_ends_with_code_0_and_leaves_nothing_running(fresh: Product) -> None:
    fresh.launch()
    wait_until(lambda: events(fresh.printed(), "process started"), what="PostgreSQL's start")

    assert fresh.stop() == 0
    assert_gone(fresh)


def test_a_killed_launcher_takes_everything_down_with_it_and_the_next_start_finds_the_run(running: Product) -> None:
    run_id = active_run(running)

    kill_launcher(running)

    wait_until(lambda: not running.processes(), what="the end of everything")
    assert_gone(running)
    running.start()
    assert running.current_run() == run_id


def test_what_a_killed_launcher_leaves_running_is_stopped_by_the_next_start(running: Product) -> None:
    run_id = active_run(running)
    # It cannot end by itself, though the kernel tells it to.
    for process in running.team("runs reconcile"):
        process.suspend()

    kill_launcher(running)
    wait_until(lambda: len(running.processes()) == 1, what="the end of the others")
    [left] = running.processes()
    running.start()

    assert "Stopped 1 process left over from an earlier start." in running.printed()
    assert left not in running.processes()
    assert running.current_run() == run_id
    wait_until(lambda: running.health() == "ok", what="all to be well")


def test_a_start_right_after_the_launcher_was_killed_waits_for_the_old_product_to_end(running: Product) -> None:
    run_id = active_run(running)

    kill_launcher(running)
    running.start()

    assert running.current_run() == run_id
    wait_until(lambda: running.health() == "ok", what="all to be well")


def test_two_products_run_side_by_side_and_know_nothing_of_each_other(running: Product, deep: Product) -> None:
    abort_active_run(running)
    run_id = active_run(deep)

    wait_until(lambda: deep.receipts(run_id), what="the receipt by the product's own worker")
    assert running.current_run() is None
    assert (running.health(), deep.health()) == ("ok", "ok")
    assert not {process.pid for process in running.processes()} & {process.pid for process in deep.processes()}


def test_a_product_in_a_very_deep_folder_takes_its_short_link_away_when_it_stops_and_stops_no_other(
    running: Product, deep: Product
) -> None:
    link = short_path(deep.data_dir)
    assert len(os.fsencode(deep.data_dir)) > 107
    assert link.readlink() == deep.data_dir

    assert deep.stop() == 0

    assert not link.is_symlink()
    assert_gone(deep)
    assert running.health() == "ok"
    assert running.call("GET", "/api/ingestion/current-run")[0] == 200


def test_a_second_start_in_the_same_data_folder_is_refused_and_the_first_product_runs_on(running: Product) -> None:
    servers = running.team("bin/postgres -D")

    said = refusal(running.data_dir, lines=(1, 2), PORT=str(running.port))

    assert "is already running" in said.splitlines()[-1]  # On a slow machine it has said before that it waits.
    assert running.team("bin/postgres -D") == servers
    assert running.health() == "ok"


def test_commands_use_the_database_of_the_running_product_and_let_it_run(running: Product) -> None:
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


def test_a_start_leaves_the_signs_of_life_of_another_machine_alone(running: Product) -> None:
    running.sql("INSERT INTO heartbeats VALUES ('worker', 'celery@elsewhere', clock_timestamp())")

    assert running.stop() == 0
    running.start()

    assert running.sql("SELECT 1 FROM heartbeats WHERE instance = 'celery@elsewhere'")


def active_run(product: Product) -> int:
    return product.current_run() or product.start_run()


def abort_active_run(product: Product) -> None:
    if run_id := product.current_run():
        assert product.call("POST", f"/api/ingestion/abort/{run_id}")[0] == 200


def kill_launcher(product: Product) -> None:
    assert product.launcher is not None
    product.launcher.kill()
    product.launcher.wait(WAIT_TIMEOUT)


def assert_gone(product: Product) -> None:
    """No process, no socket and nobody on the port; asked at once, because the launcher has ended."""
    assert product.processes() == []
    assert product.sockets() == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.port)) != 0


def test_a_product_told_to_stop_several_times_at_once_stops_once(running: Product) -> None:
    assert running.launcher is not None
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        running.launcher.send_signal(number)

    assert running.launcher.wait(WAIT_TIMEOUT) == 0
    assert_gone(running)
