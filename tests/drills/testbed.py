"""The testbed of the drills: a running product, its users, their log, and the verdict of the history checker."""

import json
import logging
import os
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from unittest.mock import patch

import psycopg
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.config.settings import Settings
from app.db.execute import run_statement
from app.extensions import db
from app.services.accounts import credentials
from tests.drills.board_server import BoardServer, SoundBoard
from tests.drills.users import User
from tests.faults import board_audit, run_audit, write_record
from tests.faults.history_checker import ClientLog, History, violations
from tests.faults.postgres_log import deadlocks
from tests.support.boards import environment
from tests.support.product import Product, temporary_folder
from tests.support.waiting import wait_until

Argument = TypeVar("Argument")
Result = TypeVar("Result")

MAX_WAIT_SECONDS = 45
"""Time limit for a pending run to be received, without outages: the first backoff, the reconciler's interval, and the
restart of a killed worker on a busy machine."""

MAX_END_SECONDS = 150
"""Time limit for the end of every run after a drill."""

MAX_SHOWN = 5
"""Maximum number of unfinished runs that a violation names."""

LAST_ID = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('ingestion_runs', 'id')::regclass), 0)"
NEW_USER = text("INSERT INTO users (email) VALUES (:email) RETURNING user_id")

ENVIRONMENT = {"AUTH": "accounts", "WEB_WORKERS": "2", "WORKER_CONCURRENCY": "2"}

SETTINGS = {
    "INGESTION": "run",
    "LEASE_SECONDS": "4",
    "BOARD_SECONDS": "8",
    "RUN_SECONDS": "300",
    "FRESH_SECONDS": "1",
    "WITNESS_SECONDS": "5",
    "SECOND_LOOK_SECONDS": "10",
    "EMPTY_SECONDS": "12",
    "GONE_SECONDS": "4",
}
"""The settings of the product that drills kill, in seconds: leases, deadlines and witnesses pass quickly, and nearly
each run reads its boards anew."""

POSTINGS = 20
CHANGING = 4
"""The postings of a board of the users of drills, and how many of them change from one response to the next."""

BOARD_DELAY = 0.3
"""Seconds until such a board responds. A run takes longer."""

INEXACT = """
WITH sizes AS (SELECT key AS board, value::int AS postings FROM json_each_text(%(sizes)s::json)),
ours AS (
    SELECT id, user_id, status, error_message, run_companies.board_id, board, postings, state, outcome, matched
    FROM run_companies JOIN ingestion_runs ON run_id = id JOIN sizes USING (board)
)
SELECT 'run ' || id, board, state, outcome, matched FROM ours
WHERE state = 'failed' OR state = 'taken_in' AND matched <> postings
UNION ALL
SELECT DISTINCT 'run ' || id, '', status, error_message, NULL::int FROM ours WHERE status = 'error'
UNION ALL
SELECT 'user ' || user_id, board, jobs.status, NULL, count(*)
FROM jobs JOIN boards USING (board_id) JOIN sizes USING (board)
WHERE EXISTS (SELECT FROM ours WHERE (ours.user_id, ours.board_id, state) = (jobs.user_id, jobs.board_id, 'taken_in'))
GROUP BY user_id, board, jobs.status HAVING count(*) <> min(postings) OR jobs.status <> 'ready'
"""
"""Companies, runs and jobs that are not as the sound boards are, which always answer with the same postings."""


class Testbed:
    """One product, which several drills use one after the other."""

    def __init__(self, product: Product, scale: float, boards: BoardServer | None = None) -> None:
        self.product = product
        self.boards = boards or BoardServer()
        self.port = product.port
        self.scale = scale
        self.app = _application(product)
        self.is_audited = self.app.config["SETTINGS"].ingestion == "run"
        """True if the worker carries runs out: the verdict then audits what it wrote."""
        if self.is_audited:
            with product.connect() as connection:
                write_record.install(connection)
        self.reset("")

    def reset(self, seed: str) -> None:
        """Delete all users and runs of the last drill, and restart the randomness from the seed."""
        self.seed = seed
        self.random = self.random_for("nemesis")
        """The randomness of the drill itself; users have their own."""
        self.port = self.product.port
        self.log = ClientLog(complete=True)
        self.violations: list[str] = []
        self.outages: list[tuple[datetime, datetime]] = []
        self.is_exact = True
        """True if each run takes in every posting of its sound boards, and ends without an error."""
        self.max_wait: float | None = MAX_WAIT_SECONDS
        self.counted = 0
        self.first = 1
        self.earlier: dict[int, list[datetime]] = {}
        self.expected: tuple[bytes, ...] = EXPECTED_ERRORS
        self.log_begin = self.product.log.stat().st_size if self.product.launcher else 0
        if self.product.launcher:
            self.product.sql("TRUNCATE users, boards CASCADE")
            self.boards.reset()
            self.first = self.product.sql(LAST_ID)[0][0] + 1

    def random_for(self, name: str) -> random.Random:
        """Return a separate generator for this name, so that its numbers do not depend on other draws."""
        return random.Random(f"{self.seed}/{name}")

    def scaled(self, full: int, minimum: int = 1) -> int:
        """Return the number of repetitions: ``full``, multiplied by the scale of a trial."""
        return max(minimum, round(full * self.scale))

    # --- Users -------------------------------------------------------------------------------------------------------

    def users(self, count: int, boards: int = 2, delay: float = BOARD_DELAY) -> list[User]:
        """Create users with a token each. They follow the same new boards, each with POSTINGS postings."""
        found = []
        names = self.serve(boards, POSTINGS, delay, CHANGING) if self.is_audited and boards else []
        for _ in range(count):
            self.counted += 1
            email = f"drill-{self.counted}@example.org"
            with self.app.app_context():
                user_id = run_statement(NEW_USER.bindparams(email=email))[0].user_id
                secret = credentials.make_token(user_id, "drill").secret
            found.append(User(self, user_id, secret, self.random_for(email)))
            if names:
                found[-1].choose(names)
        return found

    def serve(self, count: int, postings: int = POSTINGS, delay: float = 0.0, changing: int = 0) -> list[str]:
        """Serve that many new boards (see ``SoundBoard``); return their names."""
        names = [f"board-{number}" for number in range(len(self.boards.boards), len(self.boards.boards) + count)]
        self.boards.boards |= {name: SoundBoard(postings, delay, changing) for name in names}
        return names

    def run_concurrently(self, action: Callable[[Argument], Result], arguments: Sequence[Argument]) -> list[Result]:
        """Call ``action`` for each argument in its own thread, all at once; return the results in order."""
        barrier = Barrier(len(arguments))

        def act(argument: Argument) -> Result:
            barrier.wait()
            return action(argument)

        with ThreadPoolExecutor(len(arguments)) as pool:
            return list(pool.map(act, arguments))

    def record_violation(self, sentence: str) -> None:
        """Record a violation that the drill itself has found."""
        self.violations.append(sentence)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Record this block as an outage, during which nothing can be published."""
        began = datetime.now(UTC)
        try:
            yield
        finally:
            self.outages.append((began, datetime.now(UTC)))

    # --- Runs --------------------------------------------------------------------------------------------------------

    def receipts(self) -> dict[int, list[datetime]]:
        """Return the times at which workers logged the receipt of each run of this drill."""
        found = {run_id: list(moments) for run_id, moments in self.earlier.items()}
        with self.product.log.open("rb") as lines:
            lines.seek(min(self.log_begin, self.product.log.stat().st_size))
            for line in lines:
                # The source text in a stack trace is no receipt.
                if line.startswith(b"{") and b'"run received"' in line and line.endswith(b"\n"):
                    event = json.loads(line)
                    found.setdefault(event["run_id"], []).append(datetime.fromisoformat(event["timestamp"]))
        return found

    def restart_product(self) -> None:
        """Start the product again, and keep the receipts of its old log."""
        self.earlier = self.receipts()
        self.product.start()
        self.log_begin = 0

    def wait_until_received(self, run_ids: Iterable[int], seconds: float = 60) -> dict[int, list[datetime]]:
        """Wait until workers have received these runs; return the times by run. A missing receipt is a violation."""
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
        """Wait for the receipts of these runs; return the seconds from ``moment`` to the first receipt after it."""
        return [
            min((each - moment).total_seconds() for each in moments if each >= moment)
            for moments in self.wait_until_received(run_ids, seconds).values()
            if moments[-1] >= moment
        ]

    def wait_until_all_received(self) -> None:
        """Wait until workers have received every pending run."""
        pending = self.product.sql("SELECT id FROM ingestion_runs WHERE status = 'pending'")
        self.wait_until_received(run_id for (run_id,) in pending)

    def wait_until_all_ended(self, seconds: float = 60) -> float:
        """Wait until no run is active; return the seconds. A run that is still active is a violation."""
        began = time.monotonic()
        active = "SELECT id, status FROM ingestion_runs WHERE finished_at IS NULL"
        try:
            wait_until(lambda: not self.product.sql(active), seconds)
        except AssertionError:
            self.record_violation(f"runs not ended after {seconds:.0f} s: {self.product.sql(active)[:MAX_SHOWN]}")
        return time.monotonic() - began

    # --- The verdict -------------------------------------------------------------------------------------------------

    def verdict(self) -> list[str]:
        """Wait for the end of all runs. Return all violations: the drill's own, the judges', and errors in the log."""
        if self.is_audited:
            self.wait_until_all_ended(MAX_END_SECONDS)
        with self.product.connect() as connection:
            connection.autocommit = True
            owners = dict(connection.execute("SELECT id, user_id FROM ingestion_runs").fetchall())
            for run_id, moments in self.receipts().items():
                for at in moments if run_id in owners else ():
                    self.log.record("received", owners[run_id], at, run_id, ended=at)
            history = History.read(connection, self.log)
            audited = self._audit(connection)
        found = [f"{each.rule}: {each.sentence}" for each in violations(history, self.max_wait, self.outages)]
        return self.violations + found + audited + self._logged_errors()

    def _audit(self, connection: "psycopg.Connection[Any]") -> list[str]:
        """Return what the audits of boards and runs, the record of writes, and PostgreSQL's log tell."""
        if not self.is_audited:
            return []
        times = self.app.config["SETTINGS"].board_times
        limits = {"witness": times.witness, "empty": times.empty, "gone": times.gone}
        sound = {name: board for name, board in self.boards.boards.items() if type(board) is SoundBoard}
        sizes = json.dumps({name: board.postings for name, board in sound.items()})
        inexact = connection.execute(INEXACT, {"sizes": sizes}).fetchall() if self.is_exact else []
        return [
            *[f"inexact: {row}" for row in inexact],
            *board_audit.audit(connection, **limits),
            *run_audit.audit(connection, **limits),
            *write_record.late_writes(connection),
            *write_record.rewritten_rows(connection),
            *deadlocks(self._output().decode(errors="replace")),
        ]

    def _output(self) -> bytes:
        """Return the product's output since the drill began."""
        with self.product.log.open("rb") as output:
            output.seek(min(self.log_begin, self.product.log.stat().st_size))
            return output.read()

    def _logged_errors(self) -> list[str]:
        """Return the unexpected errors in the product's log, such as unhandled exceptions."""
        marks = (b'"level": "error"', b'"level": "critical"')
        events = [line for line in self._output().splitlines(True) if any(mark in line for mark in marks)]
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
"""Errors that libraries log because of the injected faults. gunicorn names the signal that ended a process; a process
that exits by itself with a code other than 0 is a violation."""

LOST_WORKER = (b"WorkerLostError", b"exited with 'signal 9")
"""Errors that Celery logs when a drill kills a child of the worker."""


@contextmanager
def running_testbed(
    kind: type[Product], scale: float, folder: Path | None = None, **settings: str
) -> Iterator[Testbed]:
    """Start a product of that kind on its own boards inside this block, and yield its testbed.

    Without a folder for its data, it gets a temporary one.
    """
    boards = BoardServer()
    settings = {**environment(boards.url), **settings}
    with ExitStack() as stack:
        stack.enter_context(boards.serving())
        product = stack.enter_context(
            create_product(kind, folder or stack.enter_context(temporary_folder()), **settings)
        )
        product.start()
        testbed = Testbed(product, scale, boards)
        try:
            yield testbed
        finally:
            with testbed.app.app_context():
                db.engine.dispose()


@contextmanager
def create_product(kind: type[Product], folder: Path, **environment: str) -> Iterator[Product]:
    """Create a product of that kind with the settings of the drills, not started; end it after the block."""
    product = kind(folder, measured=False, SECRET_KEY=secrets.token_urlsafe(48), **{**ENVIRONMENT, **environment})
    try:
        yield product
    finally:
        product.kill()


def _application(product: Product) -> Flask:
    """Return the application in this process, on the product's data, for actions that users cannot take."""
    with patch.dict(os.environ, product.environment):
        app = create_app(Settings.from_env())
    # This process prints the results of the drills; its own log lines would disturb them.
    logging.getLogger("app").setLevel(logging.WARNING)
    return app


def _logged_event(line: bytes) -> str:
    """Return a log line without its stack trace."""
    return line.decode(errors="replace").partition(', "exception"')[0][:300]
