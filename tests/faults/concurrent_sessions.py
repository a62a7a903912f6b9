"""Concurrent sessions: calls that start at a barrier, and a session that holds a row while another waits."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from threading import Barrier
from typing import Any, TypeVar

import psycopg

from app.config.settings import Settings
from app.config.validators import connect_arguments
from tests.faults.model import COUNTS, MOVES, REASON, Operation
from tests.support.waiting import wait_until

Result = TypeVar("Result")


def run_at_barrier(*calls: Callable[[], Result]) -> list[Result]:
    """Run all calls at once, each in its own thread; return their results in order."""
    barrier = Barrier(len(calls))

    def make(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


class ConcurrentSession:
    """A second session with an open transaction: its statement was executed but not committed."""

    def __init__(self, settings: Settings) -> None:
        self.connection = psycopg.connect(**connect_arguments(settings.database_url))
        self._watch = psycopg.connect(**connect_arguments(settings.database_url), autocommit=True)

    def close(self) -> None:
        """Close the connections; the transaction is rolled back."""
        self.connection.close()
        self._watch.close()

    def hold(self, op: Operation) -> int:
        """Execute the operation in plain SQL without a commit; return the run's id."""
        if op.kind in ("start", "start_and_abort"):
            self._act_as("user")
            run_id = self._one(
                "INSERT INTO ingestion_runs (user_id, idempotency_key, request_fingerprint) VALUES (%s, %s, %s)"
                " RETURNING id",
                op.user_id, op.key, None if op.key is None else sha256(b"{}").digest(),
            )
            if op.kind == "start_and_abort":
                self.hold(Operation("abort", op.user_id, run_id))
            return run_id
        if op.kind == "lock":
            return self._one("SELECT id FROM ingestion_runs WHERE id = %s FOR NO KEY UPDATE", op.run_id)
        to, sources, actor = MOVES[op.kind]
        self._act_as(actor)
        more = {
            "initializing": "started_at = clock_timestamp()",
            "finished": "(jobs_ready, jobs_skipped, jobs_expired, jobs_failed) = ROW{0}".format(COUNTS),
            "error": f"error_message = '{REASON}'",
        }.get(to, "total_jobs = total_jobs")
        ended = ", finished_at = clock_timestamp()" if to in ("finished", "error", "aborted") else ""
        return self._one(
            f"UPDATE ingestion_runs SET status = %s, {more}{ended} WHERE id = %s AND status = ANY(%s) RETURNING id",
            to, op.run_id, list(sources),
        )

    def end(self, commit: bool) -> None:
        """Commit the transaction, or roll it back."""
        if commit:
            self.connection.commit()
        else:
            self.connection.rollback()

    def is_waited_for(self) -> bool:
        """Return whether another session waits for a lock that this session holds."""
        waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)))"
        return bool(self._watch.execute(waits, (self.connection.info.backend_pid,)).fetchone()[0])

    @contextmanager
    def overlapping(self, call: Callable[[], Any]) -> Iterator[tuple["Future[Any]", bool]]:
        """Run the call in a thread; yield its future, and whether it waits for this session.

        Yields as soon as the call has returned or is blocked.
        """
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(call)
            try:
                wait_until(lambda: future.done() or self.is_waited_for(), 60, "the call's end or its wait for a lock")
                yield future, not future.done()
            finally:
                self.connection.rollback()

    def _act_as(self, actor: str) -> None:
        self.connection.execute("SELECT set_config('job_ingestion.actor', %s, true)", (actor,))

    def _one(self, statement: str, *values: Any) -> int:
        return int(self.connection.execute(statement, values).fetchone()[0])
