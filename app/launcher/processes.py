"""The processes of one machine: their command lines, environments, and how long each may take to stop."""

import os
import signal
import sys

from app.config.settings import Settings
from app.embedded import postgres as embedded_postgres
from app.embedded import redis as embedded_redis
from app.embedded.on_demand import SUPERVISED
from app.embedded.subprocesses import bare_environment
from app.launcher.supervisor import Program


def postgres(settings: Settings) -> Program:
    """The embedded PostgreSQL."""
    return Program(
        "postgres",
        embedded_postgres.postgres_command(settings.data_dir, settings.connections),
        server_environment(settings),
        stop_timeout=30,
        # A fast stop: sessions are ended, nothing is lost. A smart one would wait for every client.
        stop_signal=signal.SIGINT,
    )


def redis(settings: Settings) -> Program:
    """The embedded Redis."""
    command = embedded_redis.redis_command(settings.data_dir)
    return Program("redis", command, server_environment(settings), stop_timeout=10)


def services(settings: Settings) -> list[Program]:
    """Return the programs that need both servers and the tables."""
    return [web(settings), worker(settings), reconciler(settings)]


def web(settings: Settings) -> Program:
    """The web server."""
    command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
    return Program("web", command, service_environment(settings), stop_timeout=15)


def worker(settings: Settings, application: str = "celery_worker", *options: str) -> Program:
    """A Celery worker."""
    # Workers need not know of each other (gossip, mingle, heartbeat): PostgreSQL has what there is to do.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [sys.executable, "-m", "celery", "-q", "-A", application, "worker", *quiet, *options]
    # Celery's handler of SIGTERM first prints to stdout; without a reader that would raise, and the signal be lost.
    return Program("worker", command, service_environment(settings), stop_timeout=15, logs_stdout=False)


def reconciler(settings: Settings) -> Program:
    """The reconciler."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "runs", "reconcile"]
    return Program("reconciler", command, service_environment(settings), stop_timeout=10)


def server_environment(settings: Settings) -> dict[str, str]:
    """Return what PostgreSQL and Redis get: no setting, least of all a secret one, but our mark."""
    return {**bare_environment(), SUPERVISED: str(settings.data_dir)}


def service_environment(settings: Settings) -> dict[str, str]:
    """Return what our own processes get: the settings, with an absolute path, and our mark."""
    return {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "PYTHONUNBUFFERED": "1",
        SUPERVISED: str(settings.data_dir),
    }
