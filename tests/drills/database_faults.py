"""Faults of PostgreSQL under load: killed, frozen, disconnected, locked, read-only, out of connections."""

import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.drills import faults
from tests.drills.load_generator import LoadRecorder, check_runs, under_load, users_with_boards, wait_for_good_answer
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import User

GROUP = "PostgreSQL"
MAX_ANSWER_SECONDS = 15.0
"""Time limit for every answer, whatever PostgreSQL does: 7 s for a statement, and the same for one retry."""

MAX_CROWDED_ANSWER_SECONDS = 20.0
"""Time limit with more users than connections. The last ones wait for those before them: 7 s, then 3 s each time."""


def check_load(testbed: Testbed, load: LoadRecorder, max_seconds: float = MAX_ANSWER_SECONDS) -> dict[str, Any]:
    """Check that every request was answered in time, with a result or 503; return the figures."""
    unexpected = {status: n for status, n in load.statuses.items() if status not in ("200", "201", "409", "503")}
    if unexpected:
        testbed.record_violation(f"unexpected answers under load: {unexpected}")
    if load.slowest > max_seconds:
        testbed.record_violation(f"an answer took {load.slowest:.1f} s")
    answers = ", ".join(f"{status}: {n}" for status, n in sorted(load.statuses.items()))
    return {"answers": answers, "slowest": f"{load.slowest:.1f} s"}


@drill("PostgreSQL killed under load", GROUP, PRODUCT)
def postgres_killed(testbed: Testbed) -> Outcome:
    """PostgreSQL is killed with SIGKILL while 6 users start, read and abort: answers are results or 503, and nothing
    acknowledged is lost, and every run ends with exact jobs and counts. Recovery is the time from the kill to the first
    good answer.
    """
    recoveries: list[float] = []
    users = users_with_boards(testbed, 6)
    with under_load(users) as load, testbed.outage():
        for _ in range(testbed.scaled(3, 2)):
            sleep_for(testbed.random.uniform(1, 3))
            faults.kill(testbed.product, "postgres")
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    facts = {**check_load(testbed, load), **check_runs(testbed, users)}
    return Outcome(len(recoveries), "kills", recoveries, "recovery", facts)


@drill("PostgreSQL sessions ended under load", GROUP, PRODUCT)
def sessions_ended(testbed: Testbed) -> Outcome:
    """Every session at PostgreSQL is terminated 50 times, at random, while 6 users use the product: answers are results
    or 503. Statements and commits are interrupted, so that their outcome is unknown to the product. Every
    run ends with exact jobs and counts.
    """
    recoveries, ended = [], 0
    users = users_with_boards(testbed, 6)
    with under_load(users) as load, testbed.outage():
        for _ in range(testbed.scaled(50, 10)):
            sleep_for(testbed.random.uniform(0.05, 0.25))
            ended += faults.cut_postgres(testbed.product)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    facts = {**check_load(testbed, load), **check_runs(testbed, users)}
    return Outcome(ended, "sessions ended", recoveries, "recovery", facts)


@drill("PostgreSQL frozen under load", GROUP, PRODUCT)
def postgres_frozen(testbed: Testbed) -> Outcome:
    """PostgreSQL hangs for 10 s while 6 users use the product and 32 more start at once, more than there are
    connections: each request is answered within 20 s. No connection is closed, so only timeouts help. Every run ends
    with exact jobs and counts.
    """
    recoveries: list[float] = []
    waits: list[float] = []
    users, many = users_with_boards(testbed, 6), users_with_boards(testbed, 32)
    with under_load(users) as load, testbed.outage():
        for _ in range(testbed.scaled(1)):
            sleep_for(1)
            with faults.frozen(testbed.product, "postgres"):
                ends = time.monotonic() + 10
                waits += [load.record(reply).seconds for reply in testbed.run_concurrently(User.start, many)]
                sleep_for(max(0.0, ends - time.monotonic()))
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    facts = {**check_load(testbed, load, MAX_CROWDED_ANSWER_SECONDS), **check_runs(testbed, users + many)}
    return Outcome(len(recoveries), "freezes", recoveries, "recovery", {**facts, "of 32": f"{max(waits):.1f} s"})


@drill("PostgreSQL locked, read-only, full of sessions", GROUP, PRODUCT)
def postgres_misused(testbed: Testbed) -> Outcome:
    """An operator with psql locks the table, makes the database read-only, and opens every session: answers are results
    or 503, and every run ends with exact jobs and counts.
    """
    recoveries: list[float] = []
    all_faults = [_lock_table, _read_only, _all_sessions]
    users = users_with_boards(testbed, 4)
    with under_load(users) as load, testbed.outage():
        for fault in all_faults * testbed.scaled(1):
            sleep_for(1)
            fault(testbed)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    facts = {**check_load(testbed, load), **check_runs(testbed, users)}
    return Outcome(len(recoveries), "faults", recoveries, "recovery", facts)


def _lock_table(testbed: Testbed) -> None:
    with testbed.product.connect() as connection:
        connection.execute("LOCK TABLE ingestion_runs")
        sleep_for(6)
        connection.rollback()


def _read_only(testbed: Testbed) -> None:
    testbed.product.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    testbed.product.sql("SELECT pg_reload_conf()")
    sleep_for(5)
    with testbed.product.connect() as connection:
        connection.autocommit = True
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def _all_sessions(testbed: Testbed) -> None:
    with ExitStack() as stack, suppress(psycopg.OperationalError):
        faults.cut_postgres(testbed.product)
        while True:
            stack.enter_context(testbed.product.connect())
    # The end of the block closes the sessions.


@drill("aborts behind a locked row", GROUP, PRODUCT)
def locked_row(testbed: Testbed) -> Outcome:
    """A session in psql locks the rows of runs whose readers are frozen: an abort is answered 503 within 15 s. It
    succeeds after the lock is released, and the run brings no job.
    """
    seconds: list[float] = []
    users = users_with_boards(testbed, testbed.scaled(5))
    with faults.frozen(testbed.product, "reader"):
        runs = [(user, user.start().run_id) for user in users]
        with testbed.product.connect() as connection:
            connection.execute("SELECT FROM ingestion_runs FOR UPDATE")
            for reply in testbed.run_concurrently(lambda pair: pair[0].abort(pair[1]), runs):
                seconds.append(reply.seconds)
                if reply.status != 503 or reply.seconds > MAX_ANSWER_SECONDS:
                    answer = f"{reply.status} after {reply.seconds:.1f} s"
                    testbed.record_violation(f"an abort behind a locked row was answered {answer}")
            connection.rollback()
        for user, run_id in runs:
            if user.abort(run_id).status != 200:
                testbed.record_violation(f"run {run_id} could not be aborted afterwards")
    return Outcome(len(runs), "aborts", seconds, "answer", check_runs(testbed, users))
