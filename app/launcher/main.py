"""``make run``: the whole product on one machine, until Ctrl-C.

This process checks what can be checked, prepares and starts the servers, migrates, starts the services, waits until the
product is ready and says so. From then on it starts again what ends, and passes the logs on.
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
"""Time for PostgreSQL to answer; crash recovery after a hard stop is part of it."""

READY_TIMEOUT = 60
"""Time for the product to be ready."""

HEALTH_TIMEOUT = 20
"""Time for everything to be well after that; then the product is called ready all the same."""

LOCK_TIMEOUT = 25
"""Time for a product that is just stopping, or for a command, to release the data folder."""

WAIT_NOTICE_DELAY = 4
"""Seconds of waiting after which the reason is printed."""

PROBE_DELAY = 3
"""A product that still answers after this long is not about to stop."""

POLL_INTERVAL = 0.2
"""From one look at the processes to the next."""

STDOUT = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LaunchError(Exception):
    """The product cannot be brought up; the message is a sentence that says what to do."""


def main() -> int:
    """Run the product; returns the exit code: 0 after Ctrl-C, 1 if it could not start."""
    for number in STOP_SIGNALS:
        # SIGINT too: a shell that starts us in the background has it ignored.
        signal.signal(number, _on_stop_signal)
    os.environ.setdefault("AUTH", "local")
    os.environ.setdefault("LOG_FORMAT", "console" if sys.stdout.isatty() else "json")
    logs.start_listener(STDOUT)
    try:
        # run.py holds them back until here.
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
    """Bring everything up and stay until it ends. Raises LaunchError, or KeyboardInterrupt when asked to stop."""
    if stopped := stop_orphans(settings.data_dir):
        _print(f"Stopped {stopped} processes that an earlier start had left behind.")
    _check_port(settings)
    with _runtime_files(settings):
        _prepare(settings)
        _print("Starting ...")
        with _running_supervisor() as supervisor:
            _start(settings, supervisor)
            while True:
                supervisor.tend()
                time.sleep(POLL_INTERVAL)


def _start(settings: Settings, supervisor: Supervisor) -> None:
    """Start everything, each when what it needs is there, and say when all is ready."""
    if settings.embedded_database:
        supervisor.start(processes.postgres(settings))
    if settings.embedded_redis:
        supervisor.start(processes.redis(settings))
    _wait_for("PostgreSQL", POSTGRES_TIMEOUT, lambda: database_fault(settings), supervisor)
    app = create_app(settings)
    _migrate(app)
    began = time.monotonic()
    supervisor.start(*processes.services(settings))
    _wait_for("The web server", READY_TIMEOUT, lambda: ready_fault(settings), supervisor)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    degraded = _wait_for_health(lambda: health_fault(settings) or heartbeat_fault(app, began), supervisor)
    _print(f"Job Ingestion is ready at http://{host}:{settings.port} (Ctrl-C stops it){degraded}")


# --- Before anything runs --------------------------------------------------------------------------------------------


def _check_data_dir(settings: Settings) -> None:
    probe = run_home(settings.data_dir) / "writable"
    try:
        make_data_dir(settings.data_dir)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LaunchError(
            f"DATA_DIR {settings.data_dir} cannot be written ({error.strerror}):"
            " make it writable for this user, or set DATA_DIR to a folder that is."
        ) from error


@contextmanager
def _locked_data_dir(settings: Settings) -> Iterator[None]:
    """Hold the data folder; a product that is just stopping, and a command, are waited for."""
    began, told = time.monotonic(), False
    while True:
        with product_lock(settings.data_dir) as ours:
            if ours:
                yield
                return
        waited = time.monotonic() - began
        if waited > WAIT_NOTICE_DELAY and not told:
            _print(f"{settings.data_dir} is in use; waiting up to {LOCK_TIMEOUT} s for its end ...")
            told = True
        if waited > LOCK_TIMEOUT or (waited > PROBE_DELAY and fetch(settings, "/healthz")):
            raise LaunchError(
                f"Job Ingestion, or a command of it, is already running in {settings.data_dir}:"
                " stop it first, or set DATA_DIR and PORT for a second one."
            )
        time.sleep(0.2)


def _check_port(settings: Settings) -> None:
    if fault := port_fault(settings):
        raise LaunchError(
            f"Port {settings.port} on {settings.host} cannot be used ({fault}):"
            f" stop what uses it, or choose another one: PORT={settings.port % 65535 + 1} make run"
        )


def _prepare(settings: Settings) -> None:
    if settings.embedded_database:
        if not embedded_postgres.cluster(settings.data_dir).exists():
            _print("Making the database cluster ...")
        embedded_postgres.prepare_postgres(settings.data_dir)
    elif fault := database_fault(settings):
        raise LaunchError(
            f"DATABASE_URL cannot be used ({fault}): start that PostgreSQL, correct the address,"
            " or unset it to use the embedded one."
        )
    if settings.embedded_redis:
        embedded_redis.prepare_redis(settings.data_dir)


# --- While it runs ---------------------------------------------------------------------------------------------------


def _migrate(app: Flask) -> None:
    """Bring the tables to this version, and make the local user. Raises LaunchError."""
    with app.app_context():
        try:
            flask_migrate.upgrade()
        except SystemExit as error:
            raise LaunchError("The migrations failed; what they said stands above.") from error
        if app.config["SETTINGS"].auth == "local":
            users.local_user_id()
        db.engine.dispose()


def _wait_for(what: str, seconds: float, fault: Callable[[], str | None], supervisor: Supervisor) -> None:
    """Wait until there is no fault any more. Raises LaunchError with the last one."""
    deadline = time.monotonic() + seconds
    while (last := fault()) is not None:
        if time.monotonic() > deadline:
            raise LaunchError(f"{what} did not come up within {seconds:.0f} s: {last}")
        time.sleep(0.1)
        supervisor.tend()


def _wait_for_health(fault: Callable[[], str | None], supervisor: Supervisor) -> str:
    """Wait a little until all is well; return what to add to the ready line if it is not."""
    try:
        _wait_for("Everything", HEALTH_TIMEOUT, fault, supervisor)
    except LaunchError as error:
        return f", degraded: {error}"
    return ""


# --- The end ---------------------------------------------------------------------------------------------------------


def _on_stop_signal(_number: int, _frame: object) -> None:
    """Interrupt the launch; a second signal (make and timeout send theirs to everybody) cannot interrupt the stop."""
    _ignore_stop_signals()
    raise KeyboardInterrupt


def _ignore_stop_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _running_supervisor() -> Iterator[Supervisor]:
    """Keep processes running inside this block; whatever ends it, the stop is not cut short."""
    supervisor = Supervisor()
    try:
        yield supervisor
    finally:
        _ignore_stop_signals()
        _print("Stopping ...")
        supervisor.stop()


@contextmanager
def _runtime_files(settings: Settings) -> Iterator[None]:
    """Make the metrics folder, and leave no process, socket or file in memory behind."""
    metrics = make_metrics_folder(settings.data_dir)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    try:
        yield
    finally:
        stop_orphans(settings.data_dir)
        remove_short_link(settings.data_dir)
        shutil.rmtree(metrics, ignore_errors=True)


def _print(sentence: str) -> None:
    logs.relay(sentence.encode())
