"""A private PostgreSQL and Redis for the whole suite, created and started as the product does."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import flask_migrate
import hypothesis
import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.config.settings import PROJECT, Settings
from app.config.validators import connect_arguments
from app.db.execute import run_statement
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import short_path
from app.embedded.on_demand import postgres_on_demand
from app.extensions import db
from app.observability import logs
from app.services import publisher
from app.services.accounts import users
from app.sources.adapters.registry import SOURCES
from tests.support import boards as boards_support
from tests.support import clock
from tests.support.boards import Boards
from tests.support.http_client import WholeResponseClient
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.support.workers import running_worker

for field in fields(Settings):
    os.environ.pop(field.name.upper(), None)
# The suite starts about a hundred processes of the product; without bytecode files each would compile it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No test may fail by chance or because the machine is slow.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

PUBLIC_URL = "https://jobs.example.org"
SECRET_KEY = secrets.token_urlsafe(48)
TABLES = (
    "users, heartbeats, boards, posting_revisions, posting_events, source_switches, preview_postings, removed_previews"
)
"""The tables to empty after each test; the others go with them."""

SLOWEST_FILES = ("tests/faults/test_make_run.py", "tests/faults/", "tests/e2e/", "")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files first, so that no test process still runs one when the others have ended."""

    def place(item: pytest.Item) -> int:
        return next(place for place, prefix in enumerate(SLOWEST_FILES) if item.nodeid.startswith(prefix))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call() -> Iterator[None]:
    """Write the log of the test while pytest still captures it."""
    yield
    logs.drain()


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A data folder with a short path that contains a space."""
    folder = Path(tempfile.mkdtemp(prefix="ji test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def board_server() -> Iterator[Boards]:
    """A server in place of the sources."""
    server = Boards()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def settings(data_dir: Path, board_server: Boards) -> Iterator[Settings]:
    """The settings of AUTH=local on that data folder, with its PostgreSQL and Redis running."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in boards_support.environment(board_server.url).items():
            environment.setenv(name, value)
        environment.setenv("DATA_DIR", str(data_dir))
        environment.setenv("AUTH", "local")
        found = Settings.from_env()
        with postgres_on_demand(found.data_dir, found.embedded_database):
            # The data is never needed after a crash, and with fsync a slow disk would look like an outage.
            with psycopg.connect(**connect_arguments(found.database_url), autocommit=True) as server:
                server.execute("ALTER SYSTEM SET fsync = off")
                server.execute("SELECT pg_reload_conf()")
            embedded_redis.prepare_redis(data_dir)
            command = [*embedded_redis.redis_command(data_dir), "--appendonly", "no"]
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            yield found
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """The application on a migrated database."""
    app = create_app(settings)
    app.test_client_class = WholeResponseClient
    with app.app_context():
        flask_migrate.upgrade()
        yield app
        db.engine.dispose()


@pytest.fixture(scope="session")
def broker(settings: Settings) -> Iterator[redis.Redis]:
    """A connection to the real broker, for inspection and faults."""
    path = str(embedded_redis.redis_socket(short_path(settings.data_dir)))
    password = (settings.data_dir / "redis.password").read_text()
    client = redis.Redis(unix_socket_path=path, password=password, socket_timeout=WAIT_TIMEOUT)
    wait_until(lambda: _pings(client), what="Redis")
    yield client
    client.close()


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run tests that use the application in its context, and clean up after them."""
    if "app" not in request.fixturenames:
        yield
        return
    broker = request.getfixturevalue("broker")
    with request.getfixturevalue("app").app_context():
        yield
        run_statement(text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))
    extensions = request.getfixturevalue("app").extensions
    extensions.pop("local_user", None)
    extensions["attempt_limiter"].reset()
    broker.flushall()
    publisher.breaker = publisher.CircuitBreaker()
    logs.drain()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application, in this process."""
    return app.test_client()


@pytest.fixture
def boards(app: Flask, board_server: Boards, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boards]:
    """The server of the boards, without any board yet; there are no pauses between requests."""
    for key, source in list(SOURCES.items()):
        monkeypatch.setitem(SOURCES, key, replace(source, pace_seconds=0.0))
    yield board_server
    board_server.reset()


@pytest.fixture
def user_id(app: Flask) -> int:
    """The id of the local user."""
    return users.local_user_id()


@pytest.fixture
def shift_clock(app: Flask) -> Iterator[Callable[[float], None]]:
    """Set the product's clock this many seconds ahead of PostgreSQL's, until the test ends."""
    yield clock.shift_clock
    clock.restore_clock()


@pytest.fixture
def accounts_app(settings: Settings, app: Flask) -> Iterator[Flask]:
    """The application with AUTH=accounts."""
    accounts = replace(settings, auth="accounts", public_url=PUBLIC_URL, metrics_token="sesame", secret_key=SECRET_KEY)
    other = create_app(accounts)
    other.test_client_class = WholeResponseClient
    yield other
    with other.app_context():
        db.engine.dispose()


@pytest.fixture
def flask_command(settings: Settings, app: Flask) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``flask --app wsgi …`` in its own process, as an operator does."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(settings.data_dir), **environment},
            capture_output=True,
            text=True,
            timeout=WAIT_TIMEOUT,
        )

    return run


@pytest.fixture(scope="module")
def worker_log(settings: Settings, app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real Celery worker, ready, for all tests of a module, which carries runs out; yields its log file."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with running_worker(settings, log, INGESTION="run") as process:
        wait_until(lambda: " ready." in log.read_text(), what="the worker")
        yield log
        process.terminate()
        process.wait(WAIT_TIMEOUT)


@pytest.fixture
def worker(worker_log: Path) -> Callable[[], str]:
    """A function that returns the log of that worker since the start of the test."""
    start = worker_log.stat().st_size
    return lambda: worker_log.read_bytes()[start:].decode()


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
