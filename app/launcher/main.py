"""``make run``: the whole product on one machine, until Ctrl-C.

This process checks the settings, the data folder and the port. It prepares and starts PostgreSQL and Redis, migrates,
starts the services, waits until the product is ready, and prints its address. From then on it restarts every process
that ends, and passes the logs on.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import flask_migrate
from flask import Flask

from app import create_app
from app.config.settings import Settings, SettingsError
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import (
    DataDirError,
    make_data_dir,
    make_metrics_folder,
    product_lock,
    remove_short_link,
    run_home,
)
from app.extensions import db
from app.launcher import processes
from app.launcher.orphans import stop_orphans
from app.launcher.readiness import database_fault, fetch, health_fault, heartbeat_fault, port_fault, ready_fault
from app.launcher.supervisor import Supervisor
from app.observability import logs
from app.services.accounts import users
from app.sources.base_urls import read_base_urls

POSTGRES_TIMEOUT = 60
"""Seconds until PostgreSQL must accept connections; includes crash recovery after a hard stop."""

READY_TIMEOUT = 60
"""Seconds until the web server must be ready."""

HEALTH_TIMEOUT = 20
"""Seconds after readiness in which every component must be healthy; otherwise the product is announced as degraded."""

DATA_DIR_LOCK_TIMEOUT = 25
"""Seconds to wait for a stopping product, or a command, to release the data folder."""

WAIT_NOTICE_DELAY = 4
"""Seconds of waiting for the data folder before a notice is printed."""

PROBE_DELAY = 3
"""Seconds after which a product that still answers is taken as running, not as stopping."""

POLL_INTERVAL = 0.2
"""Seconds between two polls of the processes."""

STDOUT = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LaunchError(Exception):
    """The product cannot start. The message is a sentence that says what to do."""


def main() -> int:
    """Run the product; return the exit code: 0 after Ctrl-C, 1 if it could not start."""
    for number in STOP_SIGNALS:
        # SIGINT too: a shell ignores it for processes started in the background.
        signal.signal(number, _on_stop_signal)
    os.environ.setdefault("AUTH", "local")
    os.environ.setdefault("LOG_FORMAT", "console" if sys.stdout.isatty() else "json")
    logs.start_listener(STDOUT)
    try:
        # run.py blocked these signals.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        settings = Settings.from_env()
        logs.configure(settings.log_format)
        settings.check_serving()
        read_base_urls(settings.source_base_urls)
        _check_data_dir(settings)
        with _locked_data_dir(settings):
            _launch(settings)
    except KeyboardInterrupt:
        _print("Stopped.")
        return 0
    except (LaunchError, DataDirError, SettingsError) as error:
        _print(str(error))
    return 1


def _launch(settings: Settings) -> None:
    """Start everything and keep it running. Raises LaunchError, or KeyboardInterrupt after a stop signal."""
    if stopped := stop_orphans(settings.data_dir):
        noun = "process" if stopped == 1 else "processes"
        _print(f"Stopped {stopped} {noun} left over from an earlier start.")
    _check_port(settings)
    with _runtime_files(settings):
        _prepare(settings)
        _print("Starting ...")
        with _running_supervisor() as supervisor:
            _start(settings, supervisor)
            while True:
                supervisor.poll()
                time.sleep(POLL_INTERVAL)


def _start(settings: Settings, supervisor: Supervisor) -> None:
    """Start every process once its dependencies run, and print the address when the product is ready."""
    if settings.embedded_database:
        supervisor.start(processes.postgres(settings))
    if settings.embedded_redis:
        supervisor.start(processes.redis(settings))
    _wait_for("PostgreSQL", POSTGRES_TIMEOUT, lambda: database_fault(settings), supervisor)
    app = create_app(settings)
    _migrate(app)
    started = time.monotonic()
    supervisor.start(*processes.services(settings))
    _wait_for("The web server", READY_TIMEOUT, lambda: ready_fault(settings), supervisor)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    fault = _last_fault(HEALTH_TIMEOUT, lambda: health_fault(settings) or heartbeat_fault(app, started), supervisor)
    suffix = f", degraded: {fault}" if fault else ""
    _print(f"Job Ingestion is ready at http://{host}:{settings.port} (Ctrl-C stops it){suffix}")


# --- Checks and preparation ------------------------------------------------------------------------------------------


def _check_data_dir(settings: Settings) -> None:
    probe = run_home(settings.data_dir) / "writable"
    try:
        make_data_dir(settings.data_dir)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LaunchError(
            f"DATA_DIR {settings.data_dir} cannot be written ({error.strerror}):"
            " make it writable for this user, or set DATA_DIR to another folder."
        ) from error


@contextmanager
def _locked_data_dir(settings: Settings) -> Iterator[None]:
    """Hold the lock of the data folder; wait while a product is stopping there, or a command runs.

    Raises LaunchError after DATA_DIR_LOCK_TIMEOUT, or as soon as a running product answers.
    """
    started, notice_printed = time.monotonic(), False
    while True:
        with product_lock(settings.data_dir) as acquired:
            if acquired:
                yield
                return
        waited = time.monotonic() - started
        if waited > WAIT_NOTICE_DELAY and not notice_printed:
            _print(f"The data folder {settings.data_dir} is in use; waiting up to {DATA_DIR_LOCK_TIMEOUT} s ...")
            notice_printed = True
        if waited > DATA_DIR_LOCK_TIMEOUT or (waited > PROBE_DELAY and fetch(settings, "/healthz")):
            raise LaunchError(
                f"The data folder {settings.data_dir} is in use by Job Ingestion or one of its commands:"
                " stop that first, or set another DATA_DIR and PORT."
            )
        time.sleep(0.2)


def _check_port(settings: Settings) -> None:
    if fault := port_fault(settings):
        raise LaunchError(
            f"Port {settings.port} on {settings.host} cannot be used ({fault}):"
            f" stop the program that uses it, or choose another port: PORT={settings.port % 65535 + 1} make run"
        )


def _prepare(settings: Settings) -> None:
    if settings.embedded_database:
        if not embedded_postgres.cluster(settings.data_dir).exists():
            _print("Creating the database ...")
        embedded_postgres.prepare_postgres(settings.data_dir)
    elif fault := database_fault(settings):
        raise LaunchError(
            f"DATABASE_URL cannot be used ({fault}): start that PostgreSQL, correct the address,"
            " or unset DATABASE_URL to use the embedded PostgreSQL."
        )
    if settings.embedded_redis:
        embedded_redis.prepare_redis(settings.data_dir)


# --- Start -----------------------------------------------------------------------------------------------------------


def _migrate(app: Flask) -> None:
    """Migrate the tables to this version, and create the local user. Raises LaunchError."""
    with app.app_context():
        try:
            flask_migrate.upgrade()
        except SystemExit as error:
            raise LaunchError("The database could not be migrated; the reason is printed above.") from error
        if app.config["SETTINGS"].auth == "local":
            users.local_user_id()
        db.engine.dispose()


def _wait_for(name: str, timeout: float, find_fault: Callable[[], str | None], supervisor: Supervisor) -> None:
    """Wait until ``find_fault`` returns None. Raises LaunchError with the last fault."""
    if fault := _last_fault(timeout, find_fault, supervisor):
        raise LaunchError(f"{name} did not become ready within {timeout:.0f} s: {fault}")


def _last_fault(timeout: float, find_fault: Callable[[], str | None], supervisor: Supervisor) -> str | None:
    """Repeat a check until it returns None; after the timeout return its last fault."""
    deadline = time.monotonic() + timeout
    while (fault := find_fault()) is not None and time.monotonic() <= deadline:
        time.sleep(0.1)
        supervisor.poll()
    return fault


# --- Stop ------------------------------------------------------------------------------------------------------------


def _on_stop_signal(_number: int, _frame: object) -> None:
    """Begin the stop.

    Later signals are ignored: make and timeout send them to every process, and they must not interrupt it.
    """
    _ignore_stop_signals()
    raise KeyboardInterrupt


def _ignore_stop_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _running_supervisor() -> Iterator[Supervisor]:
    """Yield a supervisor; stop its processes at the end, however the block ends, and ignore signals then."""
    supervisor = Supervisor()
    try:
        yield supervisor
    finally:
        _ignore_stop_signals()
        _print("Stopping ...")
        supervisor.stop()


@contextmanager
def _runtime_files(settings: Settings) -> Iterator[None]:
    """Make the metrics folder; at the end remove it, and every process and socket that is left."""
    metrics = make_metrics_folder(settings.data_dir)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    try:
        yield
    finally:
        stop_orphans(settings.data_dir)
        remove_short_link(settings.data_dir)
        shutil.rmtree(metrics, ignore_errors=True)


def _print(sentence: str) -> None:
    """Print a line through the log, so that it keeps its order among the processes' lines."""
    logs.relay(sentence.encode())
