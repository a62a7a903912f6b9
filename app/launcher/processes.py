"""The processes of one machine: their command lines, environments, and stop timeouts."""

import os
import signal
import sys

from app.config.settings import Settings
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.on_demand import SUPERVISED
from app.embedded.subprocesses import bare_environment
from app.launcher.supervisor import Program
from app.models import Component
from app.worker import queues

MALLOC_SETTINGS = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""Settings of glibc's malloc (mallopt(3)), unless the environment has others.

Without them it keeps the memory of large responses, once for each thread. Measured at a hostile board: 39 instead of
108 MB in a web process, 113 instead of 157 MB in a worker's child.
"""


def postgres(settings: Settings) -> Program:
    """Return the program of the embedded PostgreSQL."""
    return Program(
        "postgres",
        embedded_postgres.postgres_command(settings.data_dir, settings.max_connections),
        server_environment(settings),
        stop_timeout=30,
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions and loses nothing. SIGTERM would wait for every client.
        stop_signal=signal.SIGINT,
    )


def redis(settings: Settings) -> Program:
    """Return the program of the embedded Redis."""
    command = embedded_redis.redis_command(settings.data_dir)
    return Program("redis", command, server_environment(settings), stop_timeout=10)


def services(settings: Settings) -> list[Program]:
    """Return the programs that need PostgreSQL with its tables, and Redis."""
    return [web(settings), worker(settings), previewer(settings), reader(settings), reconciler(settings)]


def web(settings: Settings) -> Program:
    """Return the program of the web server."""
    command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    return Program("web", command, service_environment(settings), stop_timeout=15)


def worker(settings: Settings, application: str = "celery_worker", name: str = "worker") -> Program:
    """Return the program of the Celery worker that carries out runs."""
    return _celery(settings, application, name, Component.WORKER, settings.worker_concurrency)


def previewer(settings: Settings, application: str = "celery_worker") -> Program:
    """Return the program of the Celery worker for previews. A long run holds no process of it, nor the reverse."""
    return _celery(settings, application, "previewer", Component.PREVIEWER, settings.previewer_concurrency)


def reader(settings: Settings, application: str = "celery_worker", name: str = "reader") -> Program:
    """Return the program of the Celery worker that reads boards. Slow boards hold no process of the others."""
    return _celery(settings, application, name, Component.READER, settings.reader_concurrency)


def _celery(settings: Settings, application: str, name: str, component: Component, concurrency: int) -> Program:
    """Return the program of a Celery worker. The name of its node must differ from the others on this machine."""
    # Workers need no contact with each other (gossip, mingle, heartbeat): the work to do is in PostgreSQL.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    options = ["-n", f"{name}@%h", "-Q", queues.COMPONENTS[component], "-c", str(concurrency)]
    command = [sys.executable, "-m", "celery", "-q", "-A", application, "worker", *quiet, *options]
    # Celery's SIGTERM handler first prints to stdout. If nobody reads it, printing raises, and the signal is lost.
    return Program(name, command, service_environment(settings), stop_timeout=15, logs_stdout=False)


def reconciler(settings: Settings) -> Program:
    """Return the program of the reconciler."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "runs", "reconcile"]
    return Program("reconciler", command, service_environment(settings), stop_timeout=10)


def server_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of PostgreSQL and Redis: our marker, and no setting, because settings hold secrets."""
    return {**bare_environment(), SUPERVISED: str(settings.data_dir)}


def service_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of our own processes: the settings, with an absolute DATA_DIR, and our marker."""
    return {
        **MALLOC_SETTINGS,
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "PYTHONUNBUFFERED": "1",
        SUPERVISED: str(settings.data_dir),
    }
