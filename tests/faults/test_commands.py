"""``flask`` commands while the product does not run: they work, and leave no process running."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.config.settings import Settings
from app.embedded import postgres as embedded_postgres
from app.embedded.data_dir import short_path, start_stop_lock
from app.embedded.on_demand import postgres_on_demand
from tests.faults.conftest import DEEP
from tests.support.product import Product
from tests.support.waiting import WAIT_TIMEOUT, wait_until

HEADER = "RUN  USER  STATUS"


def test_first_command_creates_the_database(fresh: Product) -> None:
    assert fresh.command("db", "upgrade").returncode == 0

    assert_nothing_runs(fresh)
    assert HEADER in fresh.command("runs", "list").stdout
    assert_nothing_runs(fresh)


def test_runs_commands_work_without_the_product(stopped: Product) -> None:
    run_id = insert_run(stopped)

    listed = stopped.command("runs", "list")
    shown = stopped.command("runs", "show", str(run_id))
    aborted = stopped.command("runs", "abort", str(run_id))

    assert [line.split()[2] for line in listed.stdout.splitlines() if line.startswith(f"{run_id} ")] == ["pending"]
    assert "pending" in shown.stdout
    assert (aborted.returncode, aborted.stdout) == (0, f"Run {run_id} aborted\n")
    assert "aborted  by operator" in stopped.command("runs", "show", str(run_id)).stdout
    assert_nothing_runs(stopped)


def test_runs_reconcile_reports_that_redis_is_missing(stopped: Product) -> None:
    done = stopped.command("runs", "reconcile", "--once")

    assert done.returncode == 1
    assert "Error: Redis does not answer" in done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_runs(stopped)


def test_runs_show_reports_an_unknown_run(stopped: Product) -> None:
    done = stopped.command("runs", "show", "999999")

    assert (done.returncode, done.stderr) == (1, "Error: There is no run 999999.\n")
    assert_nothing_runs(stopped)


def test_db_commands_migrate_down_and_up_again(stopped: Product) -> None:
    assert stopped.command("db", "downgrade", "base").returncode == 0
    before_migrations = stopped.command("runs", "list")
    assert stopped.command("db", "upgrade").returncode == 0

    assert before_migrations.returncode == 1
    assert before_migrations.stderr.startswith("Error: The database does not have this version's tables: run flask")
    assert len(before_migrations.stderr.splitlines()) == 1
    assert HEADER in stopped.command("runs", "list").stdout
    assert_nothing_runs(stopped)


def test_commands_at_once_share_one_server_that_the_last_one_stops(stopped: Product) -> None:
    commands = [stopped.launch_command("runs", "list") for _ in range(4)]

    answers = [command.communicate(timeout=WAIT_TIMEOUT) for command in commands]

    assert [command.returncode for command in commands] == [0] * 4, answers
    assert all(HEADER in output for output, _ in answers)
    assert_nothing_runs(stopped)


def test_command_right_after_the_stop_of_the_server_starts_it_again(
    stopped: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(stopped.data_dir))
    followers = []

    @contextmanager
    def with_a_follower(data_dir: Path) -> Iterator[None]:
        with start_stop_lock(data_dir):
            yield
        followers.append(stopped.command("runs", "list"))

    monkeypatch.setattr("app.embedded.on_demand.start_stop_lock", with_a_follower)
    with postgres_on_demand(Settings.from_env().data_dir, True):
        pass

    assert [(command.returncode, command.stderr) for command in followers] == [(0, "")] * 2
    assert_nothing_runs(stopped)


def test_first_commands_at_once_create_one_database(fresh: Product) -> None:
    commands = [fresh.launch_command("db", "upgrade") for _ in range(2)]

    answers = [command.communicate(timeout=WAIT_TIMEOUT) for command in commands]

    assert [command.returncode for command in commands] == [0, 0], answers
    assert_nothing_runs(fresh)


def test_command_stops_the_server_of_a_killed_command(stopped: Product) -> None:
    kill_a_command(stopped)

    assert HEADER in stopped.command("runs", "list").stdout

    assert_nothing_runs(stopped)


def test_make_run_stops_the_server_of_a_killed_command(stopped: Product) -> None:
    left = kill_a_command(stopped)

    stopped.start()

    wait_until(lambda: stopped.health() == "ok", what="/readyz ok")
    assert not left & set(stopped.processes())
    assert stopped.stop() == 0
    assert_nothing_runs(stopped)


def test_command_killed_during_initdb_does_not_block_the_next(fresh: Product) -> None:
    command = fresh.launch_command("db", "upgrade")
    wait_until(lambda: list(fresh.data_dir.glob("postgres/cluster.new-*/*")), what="the first file of the cluster")
    command.kill()
    command.communicate(timeout=WAIT_TIMEOUT)
    assert not embedded_postgres.cluster(fresh.data_dir).exists()

    assert fresh.command("db", "upgrade").returncode == 0

    assert_nothing_runs(fresh)


def test_command_in_a_deep_folder_removes_its_short_link(folder: Path) -> None:
    product = Product(folder / DEEP)
    try:
        assert product.command("db", "upgrade").returncode == 0

        assert not short_path(product.data_dir).is_symlink()
        assert_nothing_runs(product)
    finally:
        product.kill()


def test_command_refuses_a_cluster_of_another_major_version(fresh: Product) -> None:
    version = embedded_postgres.cluster(fresh.data_dir) / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n")

    done = fresh.command("runs", "list")

    assert done.returncode == 1
    assert "holds a PostgreSQL 17 cluster" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in version.parent.iterdir()] == ["PG_VERSION"]


@pytest.fixture
def stopped(idle_product: Product) -> Iterator[Product]:
    """The shared data folder with all migrations applied. No process runs in it before or after the test."""
    if not embedded_postgres.cluster(idle_product.data_dir).exists():
        assert idle_product.command("db", "upgrade").returncode == 0
    assert_nothing_runs(idle_product)
    yield idle_product
    idle_product.kill()


def kill_a_command(product: Product) -> set[psutil.Process]:
    """Kill a command during its work; return the processes of its server, which it left running."""
    command = product.launch_command("runs", "reconcile")
    wait_until(lambda: sessions(product), what="the command's session")
    command.kill()
    command.communicate(timeout=WAIT_TIMEOUT)
    left = set(product.processes())
    assert left
    return left


def sessions(product: Product) -> list[psutil.Process]:
    return product.processes_matching("job_ingestion [local]")


def insert_run(product: Product) -> int:
    """Insert a run with SQL; the server runs only for that time."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATA_DIR", str(product.data_dir))
        environment.setenv("AUTH", "local")
        with postgres_on_demand(Settings.from_env().data_dir, True):
            user = "INSERT INTO users (email) VALUES (%s) RETURNING user_id"
            user_id = product.sql(user, f"{os.urandom(4).hex()}@example.org")[0][0]
            return int(product.sql("INSERT INTO ingestion_runs (user_id) VALUES (%s) RETURNING id", user_id)[0][0])


def assert_nothing_runs(product: Product) -> None:
    assert not (embedded_postgres.cluster(product.data_dir) / "postmaster.pid").exists()
    wait_until(lambda: not product.processes(), what="the end of the last process")
    assert product.sockets() == []
