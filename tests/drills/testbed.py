"""Where drills are held: a product, users, a log of what they were answered, and the verdict over it."""

import json
import logging
import os
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from unittest.mock import patch

from flask import Flask
from sqlalchemy import text

from app import create_app
from app.config.settings import Settings
from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.extensions import db
from app.services.accounts import credentials
from app.services.runs import transitions
from app.services.runs.errors import RunMoved
from tests.drills.users import User
from tests.faults.history_checker import ClientLog, History, violations
from tests.support.product import Product, temporary_folder
from tests.support.waiting import wait_until

Argument = TypeVar("Given")
Result = TypeVar("Made")

MAX_WAIT_SECONDS = 45
"""Within which a run that is pending must have been handed to a worker, outages not counted: the reconciler's first
back-off, its interval, and what a killed worker needs to come back on a busy machine."""

STUCK_SECONDS = 8
"""A walk that has not moved its run for this long has ended."""

MAX_SHOWN = 5
"""Violations of one kind that are told in words; the others are counted."""

LAST_ID = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('ingestion_runs', 'id')::regclass), 0)"
NEW_USER = text("INSERT INTO users (email) VALUES (:email) RETURNING user_id")

LATE_POSTINGS = (
    "SELECT run_id, count(*) FROM jobs JOIN ingestion_runs ON run_id = ingestion_runs.id"
    " WHERE jobs.created_at > finished_at GROUP BY run_id"
)

ENVIRONMENT = {"AUTH": "accounts", "WEB_WORKERS": "2", "WORKER_CONCURRENCY": "2"}


class Testbed:
    """One product, for one drill after the other."""

    def __init__(self, product: Product, scale: float) -> None:
        self.product = product
        self.port = product.port
        self.scale = scale
        self.app = _application(product)
        self.reset("")

    def reset(self, seed: str) -> None:
        """Forget the drill before: nobody and no run is left, and chance begins anew from the seed."""
        self.seed = seed
        self.random = self.random_for("nemesis")
        """What the drill itself does at random; nobody else draws from it."""
        self.port = self.product.port
        self.log = ClientLog(complete=True)
        self.violations: list[str] = []
        self.outages: list[tuple[datetime, datetime]] = []
        self.bound: float | None = MAX_WAIT_SECONDS
        self.counted = 0
        self.first = 1
        self.earlier: dict[int, list[datetime]] = {}
        self.expected: tuple[bytes, ...] = EXPECTED_ERRORS
        self.log_begin = self.product.log.stat().st_size if self.product.launcher else 0
        if self.product.launcher:
            self.product.sql("TRUNCATE users CASCADE")
            self.first = self.product.sql(LAST_ID)[0][0] + 1
            self.configure_worker()

    def random_for(self, name: str) -> random.Random:
        """Chance of one's own: what somebody draws does not depend on how many others have drawn before."""
        return random.Random(f"{self.seed}/{name}")

    def scaled(self, full: int, least: int = 1) -> int:
        """How often something is done: ``full`` in a whole drill, less in a trial of it."""
        return max(least, round(full * self.scale))

    # --- People ------------------------------------------------------------------------------------------------------

    def users(self, count: int) -> list[User]:
        """New users, with a token each."""
        found = []
        for _ in range(count):
            self.counted += 1
            email = f"drill-{self.counted}@example.org"
            with self.app.app_context():
                user_id = run_statement(NEW_USER.bindparams(email=email))[0].user_id
                secret = credentials.make_token(user_id, "drill").secret
            found.append(User(self, user_id, secret, self.random_for(email)))
        return found

    def run_concurrently(self, deed: Callable[[Argument], Result], given: Sequence[Argument], together: bool = True) -> list[Result]:
        """Do it for each in a thread of its own, all of them let go at the same instant."""
        barrier = Barrier(len(given))

        def one(each: Argument) -> Result:
            if together:
                barrier.wait()
            return deed(each)

        with ThreadPoolExecutor(len(given)) as pool:
            return list(pool.map(one, given))

    def record_violation(self, sentence: str) -> None:
        """Write down a violation that the drill itself has seen."""
        self.violations.append(sentence)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """A stretch during which nothing can be handed over."""
        began = datetime.now(UTC)
        try:
            yield
        finally:
            self.outages.append((began, datetime.now(UTC)))

    # --- Runs --------------------------------------------------------------------------------------------------------

    def configure_worker(self, **how: Any) -> None:
        """Tell the walking worker how to walk from the next run on (``tests/drills/simulated_worker.py``)."""
        path = self.product.data_dir / "walk.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"seed": self.seed, "first": self.first, **how}))
        new.replace(path)

    def receipts(self) -> dict[int, list[datetime]]:
        """When a worker said that it received the message of which run, in this drill."""
        found = {run_id: list(moments) for run_id, moments in self.earlier.items()}
        with self.product.log.open("rb") as lines:
            lines.seek(min(self.log_begin, self.product.log.stat().st_size))
            for line in lines:
                if b'"run received"' in line and line.endswith(b"\n"):
                    event = json.loads(line)
                    found.setdefault(event["run_id"], []).append(datetime.fromisoformat(event["timestamp"]))
        return found

    def restart_product(self) -> None:
        """Start the product anew; what workers said before its log was begun anew is not forgotten."""
        self.earlier = self.receipts()
        self.product.start()
        self.log_begin = 0

    def wait_until_received(self, run_ids: Iterable[int], seconds: float = 60) -> dict[int, list[datetime]]:
        """Wait until a worker has received each of these runs; those that are not are written down as wrong."""
        wanted = set(run_ids)
        missing = wanted
        try:
            wait_until(lambda: wanted <= set(self.receipts()), seconds)
        except AssertionError:
            missing = wanted - set(self.receipts())
            for run_id in missing:
                self.record_violation(f"run {run_id} was not received within {seconds:.0f} s")
        return {run_id: moments for run_id, moments in self.receipts().items() if run_id in wanted}

    def receipt_delays(self, moment: datetime, run_ids: Iterable[int], seconds: float = 60) -> list[float]:
        """Wait for the receipts; returns for each how long after that moment the first one behind it came."""
        return [
            min((each - moment).total_seconds() for each in moments if each >= moment)
            for moments in self.wait_until_received(run_ids, seconds).values()
            if moments[-1] >= moment
        ]

    def wait_until_all_received(self) -> None:
        """Wait until a worker has received every run that is still pending."""
        self.wait_until_received(row[0] for row in self.product.sql("SELECT id FROM ingestion_runs WHERE status = 'pending'"))

    def wait_until_all_ended(self, seconds: float = 60) -> float:
        """Wait until no run is active; returns the seconds it took. Those that are left are wrong."""
        began = time.monotonic()
        active = "SELECT id, status FROM ingestion_runs WHERE finished_at IS NULL"
        try:
            wait_until(lambda: not self.product.sql(active), seconds)
        except AssertionError:
            self.record_violation(f"not ended after {seconds:.0f} s: {self.product.sql(active)[:MAX_SHOWN]}")
        return time.monotonic() - began

    def rescue_stuck_runs(self) -> int:
        """End the runs that are in a worker's hands and go nowhere, as a rescue would; returns how many.

        The product claims nothing yet, so it has nobody to rescue: that comes with the work that does.
        """
        stuck = self.product.sql(
            "SELECT id FROM ingestion_runs WHERE status IN ('initializing', 'ingesting') AND NOT EXISTS (SELECT FROM"
            " run_events WHERE run_id = id AND at > clock_timestamp() - make_interval(secs => %s))",
            STUCK_SECONDS,
        )
        ended = 0
        with self.app.app_context():
            for (run_id,) in stuck:
                with suppress(RunMoved, DatabaseUnavailable):
                    transitions.fail(run_id, "The worker that had this run is gone.", transitions.Actor.RESCUE)
                    ended += 1
        return ended

    def end_all_runs(self, seconds: float = 90) -> float:
        """Wait until every run has ended, the stuck ones by rescue; returns the seconds it took."""
        began = time.monotonic()
        active = "SELECT id, status FROM ingestion_runs WHERE finished_at IS NULL"

        def all_ended() -> bool:
            self.rescue_stuck_runs()
            return not self.product.sql(active)

        try:
            wait_until(all_ended, seconds)
        except AssertionError:
            self.record_violation(f"not ended after {seconds:.0f} s: {self.product.sql(active)[:MAX_SHOWN]}")
        return time.monotonic() - began

    def check_no_late_postings(self) -> None:
        """No worker stored a posting of a run that had ended."""
        for run_id, number in self.product.sql(LATE_POSTINGS):
            self.record_violation(f"{number} postings of run {run_id} were stored after its end")

    # --- The verdict -------------------------------------------------------------------------------------------------

    def verdict(self) -> list[str]:
        """Everything that is wrong: what the drill saw, and what the checker finds in the tables and the log."""
        with self.product.connect() as connection:
            connection.autocommit = True
            owners = dict(connection.execute("SELECT id, user_id FROM ingestion_runs").fetchall())
            for run_id, moments in self.receipts().items():
                for at in moments if run_id in owners else ():
                    self.log.record("received", owners[run_id], at, run_id, ended=at)
            history = History.read(connection, self.log)
        found = [f"{each.rule}: {each.sentence}" for each in violations(history, self.bound, self.outages)]
        return self.violations + found + self._logged_faults()

    def _logged_faults(self) -> list[str]:
        """Faults of ours that nobody was shown: an unhandled exception in a log is one, whatever was answered."""
        with self.product.log.open("rb") as lines:
            lines.seek(min(self.log_begin, self.product.log.stat().st_size))
            marks = (b'"level": "error"', b'"level": "critical"')
            events = [line for line in lines if any(mark in line for mark in marks)]
        return [f"logged: {_logged_event(line)}" for line in events if not self._is_expected(line)]

    def _is_expected(self, line: bytes) -> bool:
        return any(words in line for words in self.expected)


EXPECTED_ERRORS = (
    b"consumer: Cannot connect to",
    b"consumer: Connection to broker lost",
    b"was sent SIGKILL!",
    b"was sent SIGTERM!",
    b"Control command error",
    b"Frequent restarts detected",
)
"""What libraries call an error and is their way of saying that a drill is under way. gunicorn says of a process by
which signal it was ended; one that ended by itself, with whatever code but 0, is a fault of ours."""

LOST_WORKER = (b"WorkerLostError", b"exited with 'signal 9")
"""The same of Celery, where a drill kills a process below the worker's."""


@contextmanager
def running_testbed(kind: type[Product], scale: float) -> Iterator[Testbed]:
    """A testbed with a running product of that kind, which leaves nothing behind."""
    with temporary_folder() as folder, create_product(kind, folder) as product:
        product.start()
        testbed = Testbed(product, scale)
        try:
            yield testbed
        finally:
            with testbed.app.app_context():
                db.engine.dispose()


@contextmanager
def create_product(kind: type[Product], folder: Path, **environment: str) -> Iterator[Product]:
    """A product of that kind, not started."""
    product = kind(folder, measured=False, SECRET_KEY=secrets.token_urlsafe(48), **{**ENVIRONMENT, **environment})
    try:
        yield product
    finally:
        product.end()


def _application(product: Product) -> Flask:
    """The application in this process, on the product's data, for what users cannot do."""
    with patch.dict(os.environ, product.environment):
        app = create_app(Settings.from_env())
    # What this process says stands between the lines that tell of the drills.
    logging.getLogger("app").setLevel(logging.WARNING)
    return app


def _logged_event(line: bytes) -> str:
    """What was logged, without the stack and the paths in it."""
    return line.decode(errors="replace").partition(', "exception"')[0][:300]
