"""The product under the model check: the real application on PostgreSQL and Redis."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import local
from typing import Any

import flask_migrate
import psycopg
import redis
from celery.signals import after_task_publish, before_task_publish
from flask import Flask
from psycopg.rows import namedtuple_row

from app import create_app
from app.config.settings import Settings
from app.config.validators import connect_arguments
from app.db import engine as engine_module
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import short_path
from app.extensions import db
from app.services import publisher
from app.services.accounts import credentials
from app.services.runs import outbox, transitions
from app.services.runs.audit_context import Actor
from app.services.runs.errors import RunMoved, RunNotFound
from app.tasks import ingestion  # noqa: F401 (registers the task, which only a worker loads by itself)
from app.worker import celery_app, reconciler
from tests.faults.history_checker import ClientLog, History, now
from tests.faults.model import REASON, ModelState, Operation, Outcome, Run
from tests.support.statements import watch_statements

QUEUE = "job-ingestion:ingestion"
HOST = "http://jobs.example.org"
USERS = ("one@example.org", "two@example.org")
UNKNOWN_PREVIEW_ID = 2**40
REFUSED_STARTS: dict[tuple[int, str], Outcome] = {
    (404, "preview_not_found"): ("not_found",), (422, "idempotency_key_reused"): ("key_reused",)
}
TIMEOUT_SECONDS = 60
"""Seconds. Replaces the product's timeouts, so that a slow machine fails no check."""


class Killed(BaseException):
    """The process dies. It is a BaseException, so that the product does not catch it."""


@contextmanager
def temporary_database(settings: Settings, name: str, template: str = "template0") -> Iterator[Settings]:
    """Create a database of that name inside this block; yield settings that use it."""
    address, _, query = settings.database_url.partition("?")
    own = replace(settings, database_url=f"{address.rpartition('/')[0]}/{name}?{query}")
    with psycopg.connect(**connect_arguments(settings.database_url), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        # The server outlives every test, so commits need not wait for the disk.
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        try:
            yield own
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def create_application(settings: Settings) -> Flask:
    """Return the application with accounts and long timeouts."""
    engine_module.LOCK_TIMEOUT = engine_module.STATEMENT_TIMEOUT = TIMEOUT_SECONDS
    engine_module.BoundedConnection.response_timeout = 2 * TIMEOUT_SECONDS
    engine_module._connect_args = partial(_with_long_timeout, engine_module._connect_args)
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    celery_app.PUBLISHER_TRANSPORT_OPTIONS.update(timeouts)
    # Negative: it extends the deadline of a pass (CLAIM_SECONDS - MAX_PUBLISH_SECONDS).
    reconciler.MAX_PUBLISH_SECONDS = -TIMEOUT_SECONDS
    # The operations of the check move the runs; the task only receives their messages.
    settings = replace(settings, ingestion="noop")
    accounts = replace(settings, auth="accounts", public_url=HOST, secret_key="a key of forty characters, seen by all")
    return create_app(accounts)


def _with_long_timeout(connect_args: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return connect_args() | {"connect_timeout": TIMEOUT_SECONDS}


def create_tables(app: Flask) -> None:
    """Run the migrations, and leave no connection open."""
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


class Harness:
    """One application with two users, and every operation on its runs."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_application(settings)
        self.connection = psycopg.connect(**connect_arguments(settings.database_url), autocommit=True)
        self.connection.execute("SET statement_timeout = 0")
        self.observer = psycopg.connect(**connect_arguments(settings.database_url), autocommit=True)
        self.broker = redis.Redis(
            unix_socket_path=str(embedded_redis.redis_socket(short_path(settings.data_dir))),
            password=(settings.data_dir / "redis.password").read_text(),
        )
        self.log = ClientLog(complete=True)
        self.published: list[tuple[int, int | None]] = []
        self._thread = local()
        with self.app.app_context():
            insert = "INSERT INTO users (email) SELECT unnest(%s::text[]) RETURNING user_id"
            self.users = [row.user_id for row in self.rows(insert, list(USERS))]
            self.tokens = {user_id: credentials.make_token(user_id, "curl").secret for user_id in self.users}
        before_task_publish.connect(self._before_publish)
        after_task_publish.connect(self._after_publish)

    def close(self) -> None:
        """Disconnect the signals, and close every connection."""
        before_task_publish.disconnect(self._before_publish)
        after_task_publish.disconnect(self._after_publish)
        self.broker.delete(QUEUE)
        with self.app.app_context():
            db.engine.dispose()
        for each in (self.connection, self.observer, self.broker):
            each.close()

    def empty(self) -> None:
        """Delete all runs and messages, and start a new client log."""
        self.connection.execute("DELETE FROM jobs")
        self.connection.execute("DELETE FROM ingestion_runs")
        self.broker.delete(QUEUE)
        self.log = ClientLog(complete=True)
        self.published = []
        publisher.breaker = publisher.CircuitBreaker()

    # --- Operations --------------------------------------------------------------------------------------------------

    def perform(self, op: Operation) -> Outcome:
        """Perform the operation in this thread, as a process of the product would; return its outcome."""
        self._thread.kill, self._thread.left = op.kill, 0
        try:
            return getattr(self, f"_{op.kind}", self._work)(op)
        except Killed:
            return ("killed",)
        except Exception as error:
            return ("fault", f"{type(error).__name__}: {error}".partition("\n")[0])
        finally:
            self._thread.kill = None

    def perform_interrupted(self, op: Operation, statement_number: int, inner: Operation) -> list[Outcome]:
        """Perform ``op`` and, during it, ``inner``; return both outcomes.

        ``inner`` follows statement number ``statement_number`` (from 1) of those that name ``ingestion_runs``.
        If ``op`` has no such statement, return only its own outcome.
        """
        inner_outcome: list[Outcome] = []
        left = [statement_number]

        def after_statement(statement: str) -> None:
            left[0] -= "ingestion_runs" in statement
            if left[0] == 0:
                left[0] = -1000
                inner_outcome.append(self.perform(inner))

        with self.app.app_context():
            engine = db.engine
        with watch_statements(engine, after=after_statement):
            return [self.perform(op), *inner_outcome]

    def _request(self, method: str, path: str, op: Operation) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[op.user_id]}"}
        if op.key is not None:
            headers["Idempotency-Key"] = f'"{op.key}"'
        body = {"json": {"preview_id": UNKNOWN_PREVIEW_ID}} if op.unknown_preview else {}
        client = self.app.test_client()
        answer = client.open(f"/api/ingestion/{path}", method=method, base_url=HOST, headers=headers, **body)
        return answer.status_code, answer.json

    def _start(self, op: Operation) -> Outcome:
        began = now()
        try:
            status, document = self._request("POST", "start", op)
        except Killed:
            self.log.record("lost", op.user_id, began, key=op.key)
            raise
        kind = {(201, None): "started", (200, None): "replayed", (409, "run_active"): "refused"}.get(
            (status, document.get("code"))
        )
        if (status, document.get("code")) in REFUSED_STARTS:
            return REFUSED_STARTS[status, document["code"]]
        if kind is None:
            return ("fault", f"{status} {document}")
        self.log.record(kind, op.user_id, began, document["run_id"], key=op.key)
        return (kind, document["run_id"])

    def _abort(self, op: Operation) -> Outcome:
        began = now()
        status, document = self._request("POST", f"abort/{op.run_id}", op)
        if status == 200:
            self.log.record("aborted", op.user_id, began, op.run_id)
            return ("ok",)
        if status == 404:
            return ("not_found",)
        if status != 409:
            return ("fault", f"{status} {document}")
        self.log.record("abort_refused", op.user_id, began, op.run_id, document["run_status"])
        return ("moved", document["run_status"])

    def _get(self, op: Operation) -> Outcome:
        began = now()
        status, document = self._request("GET", f"runs/{op.run_id}", op)
        if status == 404:
            return ("not_found",)
        self.log.record("seen", op.user_id, began, op.run_id, document["status"])
        return ("shown", document["status"])

    def _current(self, op: Operation) -> Outcome:
        began = now()
        _, document = self._request("GET", "current-run", op)
        self.log.record("seen", op.user_id, began, document["run_id"])
        return ("current", document["run_id"])

    def _events(self, op: Operation) -> Outcome:
        status, document = self._request("GET", f"runs/{op.run_id}/events", op)
        if status == 404:
            return ("not_found",)
        return ("events", tuple((each["from"], each["to"], each["actor"]) for each in document["events"]))

    def _runs(self, op: Operation) -> Outcome:
        _, document = self._request("GET", "runs?limit=100", op)
        return ("runs", tuple((run["run_id"], run["status"]) for run in document["runs"]))

    def _publish(self, op: Operation) -> Outcome:
        with self.app.app_context():
            return ("ok",) if outbox.publish(op.run_id) else ("fault", "not published")

    def _work(self, op: Operation) -> Outcome:
        work: dict[str, Callable[[int], None]] = {
            "operator_abort": lambda run_id: transitions.abort(run_id, actor=Actor.OPERATOR),
            "claim": transitions.claim,
            "advance": self._advance_with_company,
            "finish": transitions.finish,
            "fail": lambda run_id: transitions.fail(run_id, REASON),
            "rescue": lambda run_id: transitions.fail(run_id, REASON, Actor.RESCUE),
        }
        with self.app.app_context():
            try:
                work[op.kind](op.run_id)
            except RunMoved as error:
                return ("moved", str(error.run_status))
            except RunNotFound:
                return ("not_found",)
            return ("ok",)

    def _advance_with_company(self, run_id: int) -> None:
        self.add_company(run_id)
        transitions.advance(run_id)

    def add_company(self, run_id: int) -> None:
        """Insert a company of a run that is taken in, unless the run has it already. Its counts are COUNTS."""
        self.observer.execute(
            "INSERT INTO run_companies (run_id, position, company_id, board_id, source, board, name, is_baseline,"
            " fresh_after, state, outcome, listing_id, matched, new_jobs, unchanged_jobs, expired_jobs, unparsed)"
            " SELECT id, 1, 1, 1, 'greenhouse', 'acme', 'Acme', true, now(), 'taken_in', 'ok', 1, 3, 2, 1, 1, 3"
            " FROM ingestion_runs WHERE id = %s ON CONFLICT DO NOTHING",
            (run_id,),
        )

    def _claim_due(self, _op: Operation) -> Outcome:
        return ("claimed", self.claim_due())

    def claim_due(self) -> list[int]:
        """Claim the due runs, as a reconciler does."""
        with self.app.app_context():
            return outbox.claim_due()

    def reconcile(self, kill: str | None = None, at: int = 0) -> int | None:
        """Run one pass of the reconciler.

        With ``kill``, the process dies at that point of publish number ``at`` (from 0), and Killed is raised.
        """
        self._thread.kill, self._thread.left = kill, at
        try:
            with self.app.app_context():
                return reconciler.reconcile_once()
        finally:
            self._thread.kill, self._thread.left = None, 0

    def receive(self) -> int:
        """Pop the oldest message from the broker, as a worker does; run its task, and return the run's id."""
        message = json.loads(self.broker.rpop(QUEUE))
        [run_id], _, _ = json.loads(base64.b64decode(message["body"]))
        self.log.record("received", 0, now(), run_id)
        with self.app.app_context():
            self.app.extensions["celery"].tasks[message["headers"]["task"]](run_id)
        return int(run_id)

    def _before_publish(self, body: Any = None, **_: Any) -> None:
        [run_id] = body[0]
        rows = self.observer.execute("SELECT dispatch_count FROM ingestion_runs WHERE id = %s", (run_id,)).fetchall()
        self.published.append((run_id, rows[0][0] if rows else None))
        self._die_at("publish")

    def _after_publish(self, **_: Any) -> None:
        self._die_at("mark_published")

    def _die_at(self, point: str) -> None:
        if getattr(self._thread, "kill", None) != point:
            return
        left = getattr(self._thread, "left", 0)
        if left <= 0:
            raise Killed
        self._thread.left = left - 1

    def last_id(self) -> int:
        """Return the last id of the sequence, including ids that failed starts used up."""
        return int(self.rows("SELECT last_value FROM ingestion_runs_id_seq")[0][0])

    # --- State -------------------------------------------------------------------------------------------------------

    def history(self) -> History:
        """Return the history: the tables and the client log."""
        return History.read(self.connection, self.log)

    def state(self, history: History) -> ModelState:
        """Return the state of tables and queue in the form of the model."""
        messages = [json.loads(message) for message in reversed(self.broker.lrange(QUEUE, 0, -1))]
        queue = [json.loads(base64.b64decode(message["body"]))[0][0] for message in messages]
        return ModelState({run_id: _run(history, row) for run_id, row in history.runs.items()}, queue)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows as named tuples."""
        return self.connection.cursor(row_factory=namedtuple_row).execute(statement, values or None).fetchall()


def _run(history: History, row: dict[str, Any]) -> Run:
    return Run(
        user_id=row["user_id"],
        status=row["status"],
        moves=tuple((each.from_status, each.to_status, each.actor) for each in history.timeline(row["id"])),
        total_jobs=row["total_jobs"],
        counts=tuple(row[f"jobs_{word}"] for word in ("ready", "skipped", "expired", "failed")),
        error_message=row["error_message"],
        dispatch_count=row["dispatch_count"],
        key=row.get("idempotency_key"),
    )
