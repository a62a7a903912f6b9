"""``make run``: the whole product on one machine, under one supervisor, until Ctrl-C.

This process checks what can be checked, prepares the servers, hands everything to supervisord (which starts a process
that dies again), migrates, waits until the product is ready and says so. It then only passes the logs on.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import flask_migrate

from app import create_app, embedded
from app.config import Settings, SettingsError
from app.data_dir import DataDirError, make_data_dir, metrics_home, product_lock, run_home, unlink
from app.extensions import db
from app.leftovers import stop_leftovers
from app.probes import answer, database_fault, health_fault, port_fault, ready_fault
from app.services import heartbeats, users
from app.sources.base_urls import read_base_urls
from app.supervision import Supervisor, supervised

SERVERS_SECONDS = 60
"""How long PostgreSQL may take to answer; crash recovery after a hard stop is part of it."""

READY_SECONDS = 60
"""How long the product may take to be ready."""

WELL_SECONDS = 20
"""How long, being ready, it may take for everything to be well, before it is called ready all the same."""

LOCK_SECONDS = 25
"""How long a product that is just stopping, or a command, may keep the data folder."""

QUIET_SECONDS = 4
"""Who waits for longer than this is told what for."""

STEADY_SECONDS = 3
"""A product that still answers after this long is not about to stop."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SERVICES = ("web", "worker", "reconciler")


class LaunchError(Exception):
    """The product cannot be brought up, or went down; the message is a sentence that says what to do."""


def main() -> int:
    """Run the product; returns the exit code: 0 after Ctrl-C, 1 if it could not start or could not go on."""
    for number in STOP_SIGNALS:
        # SIGINT too: a shell that starts us in the background has it ignored.
        signal.signal(number, _stop_once)
    os.environ.setdefault("AUTH", "local")
    try:
        # run.py holds them back until here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        settings = Settings.from_env()
        settings.check_serving()
        read_base_urls(settings.source_base_urls)
        _check_data_dir(settings)
        with _own_data_dir(settings):
            _launch(settings)
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0
    except (LaunchError, DataDirError, SettingsError) as error:
        _say(str(error))
    return 1


def _launch(settings: Settings) -> None:
    """Bring everything up and stay until it ends. Raises LaunchError, or KeyboardInterrupt when asked to stop."""
    if stopped := stop_leftovers(settings.data_dir):
        _say(f"Stopped {stopped} processes that an earlier start had left behind.")
    _check_port(settings)
    with _cleaned(settings):
        _prepare(settings)
        _say("Starting ...")
        _run(settings)


def _run(settings: Settings) -> None:
    with supervised(settings) as supervisor, _announced_stop():
        _await("The supervisor", SERVERS_SECONDS, supervisor.fault, supervisor)
        _await("PostgreSQL", SERVERS_SECONDS, lambda: database_fault(settings), supervisor)
        _migrate(settings)
        for program in SERVICES:
            supervisor.start(program)
        _await("The web server", READY_SECONDS, lambda: ready_fault(settings), supervisor)
        degraded = _degraded(settings, supervisor)
        _say(f"Job Ingestion is ready at http://{_authority(settings)} (Ctrl-C stops it){degraded}")
        # Not wait(): an interrupt inside of it can leave its lock taken, and the next wait would be for ever.
        while (code := supervisor.process.poll()) is None:
            time.sleep(0.2)
        raise LaunchError(f"The supervisor ended unexpectedly (code {code}); everything is stopped. Start again.")


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
def _own_data_dir(settings: Settings) -> Iterator[None]:
    """Hold the data folder; a product that is just stopping, and a command, are waited for."""
    began, told = time.monotonic(), False
    while True:
        with product_lock(settings.data_dir) as ours:
            if ours:
                yield
                return
        waited = time.monotonic() - began
        if waited > QUIET_SECONDS and not told:
            _say(f"{settings.data_dir} is in use; waiting up to {LOCK_SECONDS} s for its end ...")
            told = True
        if waited > LOCK_SECONDS or (waited > STEADY_SECONDS and answer(settings, "/healthz")):
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
    metrics = metrics_home(settings.data_dir)
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    if settings.embedded_database:
        if not embedded.cluster(settings.data_dir).exists():
            _say("Making the database cluster ...")
        embedded.prepare_postgres(settings.data_dir)
    elif fault := database_fault(settings):
        raise LaunchError(
            f"DATABASE_URL cannot be used ({fault}): start that PostgreSQL, correct the address,"
            " or unset it to use the embedded one."
        )
    if settings.embedded_redis:
        embedded.prepare_redis(settings.data_dir)


# --- While it runs ---------------------------------------------------------------------------------------------------


def _migrate(settings: Settings) -> None:
    """Bring the tables to this version, make the local user, and forget who was alive before, lest the product be
    called well before it is. Raises LaunchError."""
    with create_app(settings).app_context():
        try:
            flask_migrate.upgrade()
        except SystemExit as error:
            raise LaunchError("The migrations failed; what they said stands above.") from error
        if settings.auth == "local":
            users.local_user_id()
        heartbeats.forget_all()
        db.engine.dispose()


def _await(what: str, seconds: float, fault: Callable[[], str | None], supervisor: Supervisor) -> None:
    """Wait until there is no fault any more. Raises LaunchError with the last one."""
    deadline = time.monotonic() + seconds
    while (last := fault()) is not None:
        if supervisor.process.poll() is not None:
            raise LaunchError("The supervisor ended; what it said stands above. Start again.")
        if time.monotonic() > deadline:
            raise LaunchError(f"{what} did not come up within {seconds:.0f} s: {last}")
        time.sleep(0.1)


def _degraded(settings: Settings, supervisor: Supervisor) -> str:
    """Wait a little until all is well; return what to add to the ready line if it is not."""
    try:
        _await("Everything", WELL_SECONDS, lambda: health_fault(settings), supervisor)
    except LaunchError as error:
        return f", degraded: {error}"
    return ""


def _authority(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


# --- The end ---------------------------------------------------------------------------------------------------------


def _stop_once(_number: int, _frame: object) -> None:
    """Interrupt the launch; a second signal (make and timeout send theirs to everybody) cannot interrupt the stop."""
    _ignore_stops()
    raise KeyboardInterrupt


def _ignore_stops() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _announced_stop() -> Iterator[None]:
    """Whatever ends this block, what is done after it is not cut short."""
    try:
        yield
    finally:
        _ignore_stops()
        _say("Stopping ...")


@contextmanager
def _cleaned(settings: Settings) -> Iterator[None]:
    """After this block, whatever supervisord could not stop is stopped, and no socket is left."""
    try:
        yield
    finally:
        stop_leftovers(settings.data_dir)
        unlink(settings.data_dir)


def _say(sentence: str) -> None:
    print(sentence, flush=True)
