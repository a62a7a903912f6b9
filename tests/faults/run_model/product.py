"""The product under the check: its own services on the real PostgreSQL, and a clock that stands still between steps.

Readings are passed to the store as a reader passes them, without HTTP: what a board shows is the model's to choose.
Messages are the model's too, so that it loses and doubles them.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg

from app.config.settings import Settings
from app.config.validators import connect_arguments
from app.errors import AppError, DatabaseUnavailable
from app.extensions import db
from app.models import Outcome as Code
from app.services.boards import claims, holds, leases, worker
from app.services.boards.claim import Claim
from app.services.boards.errors import LeaseLost
from app.services.boards.readable import all_versions
from app.services.boards.storing import ListingStore, store_failure
from app.services.boards.times import board_times
from app.services.runs import (
    answers,
    closings,
    completion,
    outbox,
    retry,
    start,
    taking_in,
    transitions,
    work,
)
from app.sources.types import Listing, Posting, Validators
from tests.faults.harness import create_application
from tests.faults.run_model.world import COMPANIES, PART, SIZES, SOURCE, Content, Op, Outcome
from tests.faults.run_model.world import Source as Shown
from tests.support.statements import watch_statements
from tests.support.waiting import wait_until

CLOCK = (
    "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS"
    " $$ SELECT timestamptz '2026-03-01 00:00+00' + make_interval(secs => {}) $$"
)
TABLES = "companies, boards, postings, posting_revisions, posting_events, ingestion_runs, jobs, job_events, users"
SLICE = 10**9
"""Seconds. No slice ends by itself, however slow the machine is."""


class Killed(BaseException):
    """The process dies. It is a BaseException, so that the product does not catch it."""


class Product:
    """The application, its users and companies, and every operation on them."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_application(settings)
        self.connection = psycopg.connect(**connect_arguments(settings.database_url), autocommit=True)
        self.other = psycopg.connect(**connect_arguments(settings.database_url))
        self.claims: list[Claim] = []
        self.now = 0
        self.sources: dict[str, Shown] = {}
        self._lock = Lock()
        taking_in.FIRST_PART = taking_in.MAX_PART = taking_in.MIN_PART = PART

    def close(self) -> None:
        """Close every connection."""
        with self.app.app_context():
            db.engine.dispose()
        self.connection.close()
        self.other.close()

    def reset(self) -> None:
        """Begin with users, companies and boards that nobody has read, at the time 0."""
        self.connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
        self.set_clock(0)
        self.claims = []
        for user, companies in COMPANIES.items():
            self.connection.execute("INSERT INTO users (email) VALUES (%s)", (f"{user}@example.org",))
            for board, (include, exclude) in companies.items():
                self.connection.execute(
                    "INSERT INTO boards (source, board) VALUES (%s, %s) ON CONFLICT DO NOTHING", (SOURCE, board)
                )
                self.connection.execute(
                    "INSERT INTO companies (user_id, board_id, source, board, name, include, exclude)"
                    " SELECT %s, board_id, source, board, board, %s, %s FROM boards WHERE board = %s",
                    (user, [*include], [*exclude], board),
                )
        assert set(SIZES) == {board for companies in COMPANIES.values() for board in companies}

    def set_clock(self, now: int) -> None:
        """Set the product's clock."""
        self.now = now
        with self._lock:
            self.connection.execute(CLOCK.format(now))

    def set_filters(self, user: int, board: str, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Change the filters of a user's company."""
        self.connection.execute(
            "UPDATE companies SET include = %s, exclude = %s WHERE user_id = %s AND board = %s",
            ([*include], [*exclude], user, board),
        )

    # --- Ways to perform operations ----------------------------------------------------------------------------------

    def perform(self, op: Op) -> Outcome:
        """Perform the operation as a process of the product would; return its outcome."""
        try:
            with self.app.app_context():
                return getattr(self, f"_{op.kind}")(op)
        except DatabaseUnavailable as error:
            return f"fault: {error.reason}"
        except AppError as error:
            return type(error).__name__
        except Exception as error:
            return f"fault: {type(error).__name__}: {error}".partition("\n")[0]

    def perform_interrupted(self, op: Op, number: int, inner: Sequence[Op]) -> tuple[Outcome, list[Outcome] | None]:
        """Perform ``op`` and, after its statement of this number (from 1), ``inner``.

        Return the outcome of ``op``, and those of ``inner``: None if ``op`` has fewer statements.
        """
        found: list[list[Outcome]] = []
        with self._after_statement(number, lambda: found.append([self.perform(each) for each in inner])):
            outcome = self.perform(op)
        return outcome, found[0] if found else None

    def crash(self, op: Op, number: int) -> tuple[bool, Outcome]:
        """Perform ``op`` in a process that dies after its statement of this number. Return whether it died."""

        def die() -> None:
            raise Killed

        try:
            with self._after_statement(number, die):
                return False, self.perform(op)
        except Killed:
            return True, None

    @contextmanager
    def _after_statement(self, number: int, act: Callable[[], object]) -> Iterator[None]:
        left = [number]

        def after(_statement: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                act()

        with self.app.app_context():
            engine = db.engine
        with watch_statements(engine, after=after):
            yield

    def perform_against_lock(self, run_id: int, strength: str, *ops: Op) -> tuple[list[Outcome], bool]:
        """Perform the operations at once while another session locks the run.

        Return their outcomes, and whether all of them waited for the lock.
        """
        self.other.execute(f"SELECT id FROM ingestion_runs WHERE id = %s FOR {strength}", (run_id,))
        with ThreadPoolExecutor(len(ops)) as pool:
            futures = [pool.submit(self.perform, op) for op in ops]
            try:
                wait_until(lambda: self._waiting() >= _left(futures), 60, "the ends or waits of the operations")
                waited = _left(futures) == len(ops)
            finally:
                self.other.rollback()
            return [future.result() for future in futures], waited

    def _waiting(self) -> int:
        """Return the number of sessions that wait for a lock."""
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return int(self.connection.execute(waits).fetchone()[0])

    # --- Operations --------------------------------------------------------------------------------------------------

    def _wait(self, op: Op) -> None:
        self.set_clock(self.now + op.seconds)

    def _start(self, op: Op) -> Outcome:
        return ("started", start.create_run(op.who)[0])

    def _retry(self, op: Op) -> Outcome:
        return ("started", retry.create_retry(op.run, op.who)[0])

    def _abort(self, op: Op) -> Outcome:
        transitions.abort(op.run, op.who)
        return "ok"

    def _publish(self, op: Op) -> None:
        outbox.mark_published(op.run)

    def _carry(self, op: Op) -> Outcome:
        woken: list[int] = []
        work.carry(op.run, lambda _, number: woken.append(number), lambda _: None, seconds=SLICE)
        return sum(woken)

    def _take_in_only(self, op: Op) -> None:
        taking_in.take_in(op.run)

    def _take_in_part(self, op: Op) -> None:
        before = self._parts(op.run)
        taking_in.take_in(op.run, lambda: self._parts(op.run) != before)

    def _parts(self, run: int) -> int:
        query = "SELECT sum(parts) FROM run_companies WHERE run_id = %s"
        return int(self.connection.execute(query, (run,)).fetchone()[0])

    def _answer_question(self, op: Op) -> Outcome:
        return closings.answer(op.who, op.run, op.flag).expired

    def _reconcile(self, _op: Op) -> Outcome:
        published: list[int] = []
        late, due = completion.give_up_overdue(), sorted(outbox.claim_due())
        ended = worker.end_exhausted_readings(lambda listing: published.extend(answers.answer_listing(listing)))
        return (late, due, ended, sorted(published))

    def _claim(self, _op: Op) -> Outcome:
        return self._claimed(claims.claim_wanted(all_versions(), board_times()))

    def _look_again(self, op: Op) -> Outcome:
        return self._claimed(claims.claim_board(self._board(op.board), all_versions(), board_times()))

    def _hold(self, op: Op) -> Outcome:
        return holds.hold(self._board(op.board))

    def _release(self, op: Op) -> Outcome:
        released = holds.release(self._board(op.board))
        return (released.was_on_hold, released.held_listing_id) if released else None

    def _board(self, name: str) -> int:
        return int(self.connection.execute("SELECT board_id FROM boards WHERE board = %s", (name,)).fetchone()[0])

    def _claimed(self, claim: Claim | None) -> Outcome:
        if claim is None:
            return None
        self.claims.append(claim)
        return (claim.board, claim.listing_id, claim.validators.etag if claim.validators else None)

    def _renew(self, op: Op) -> Outcome:
        claim = self.claims[op.who]
        return claim.lease_id in leases.renew([claim], board_times())

    def _read(self, op: Op) -> Outcome:
        claim = self.claims[op.who]
        try:
            stored = _store(claim, self.sources[claim.board])
        except LeaseLost:
            return "lost"
        return sorted(answers.answer_listing(stored.listing_id))


def _store(claim: Claim, shown: Shown) -> Any:
    """Store what a board shows as a reader does."""
    if shown.fault in ("missing", "failing"):
        is_missing = shown.fault == "missing"
        code = Code.NOT_FOUND if is_missing else Code.UNREACHABLE
        return store_failure(claim, code, "It failed.", None, is_missing=is_missing, times=board_times())
    store = ListingStore(claim, 1, board_times())
    tag = shown.tag() if shown.has_tag else None
    if tag and shown.fault is None and claim.validators and claim.validators.etag == tag:
        return store.end(Listing((), is_complete=True, not_modified=True))
    store.add(_posting(name, content) for name, content in shown.shown().items())
    store.see(shown.seen())
    whole, unread = shown.fault is None, len(shown.seen())
    return store.end(Listing((), is_complete=whole, unparsed=unread, validators=Validators(tag, None)))


def _posting(name: str, content: Content) -> Posting:
    url = f"https://example.org/{name}"
    return Posting(name, content.title, url, (content.place,), None, None, None, None, None, content.text, None)


def _left(futures: list["Future[Outcome]"]) -> int:
    return sum(not future.done() for future in futures)
