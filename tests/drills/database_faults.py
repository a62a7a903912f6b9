"""Faults of PostgreSQL under load: killed, frozen, disconnected, locked, read-only, out of connections."""

import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import psycopg

from tests.drills import faults
from tests.drills.load_generator import LoadRecorder, under_load, wait_for_good_answer
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


def check_load(testbed: Testbed, load: LoadRecorder, max_seconds: float = MAX_ANSWER_SECONDS) -> dict[str, str]:
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
    acknowledged is lost. Recovery is the time from the kill to the first good answer.
    """
    recoveries: list[float] = []
    with under_load(testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(3, 2)):
            sleep_for(testbed.random.uniform(1, 3))
            faults.kill(testbed.product, "postgres")
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    facts = check_load(testbed, load)
    testbed.wait_until_all_ended(90)
    return Outcome(len(recoveries), "kills", recoveries, "recovery", facts)


@drill("PostgreSQL sessions ended under load", GROUP, PRODUCT)
def sessions_ended(testbed: Testbed) -> Outcome:
    """Every session at PostgreSQL is terminated 50 times, at random, while 6 users use the product: answers are results
    or 503. Statements and commits are interrupted, so that their outcome is unknown to the product.
    """
    recoveries, ended = [], 0
    with under_load(testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(50, 10)):
            sleep_for(testbed.random.uniform(0.05, 0.25))
            ended += faults.cut_postgres(testbed.product)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    facts = check_load(testbed, load)
    testbed.wait_until_all_ended(90)
    return Outcome(ended, "sessions ended", recoveries, "recovery", facts)


@drill("PostgreSQL frozen under load", GROUP, PRODUCT)
def postgres_frozen(testbed: Testbed) -> Outcome:
    """PostgreSQL hangs for 10 s while 6 users use the product and 32 more start at once, more than there are
    connections: each request is answered within 20 s. No connection is closed, so only timeouts help.
    """
    recoveries: list[float] = []
    waits: list[float] = []
    many = testbed.users(32)
    with under_load(testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(1)):
            sleep_for(1)
            with faults.frozen(testbed.product, "postgres"):
                ends = time.monotonic() + 10
                waits += [load.record(reply).seconds for reply in testbed.run_concurrently(User.start, many)]
                sleep_for(max(0.0, ends - time.monotonic()))
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    facts = check_load(testbed, load, MAX_CROWDED_ANSWER_SECONDS)
    testbed.wait_until_all_ended(90)
    return Outcome(len(recoveries), "freezes", recoveries, "recovery", {**facts, "of 32": f"{max(waits):.1f} s"})


@drill("PostgreSQL locked, read-only, full of sessions", GROUP, PRODUCT)
def postgres_misused(testbed: Testbed) -> Outcome:
    """An operator with psql locks the table, makes the database read-only, and opens every session: answers are results
    or 503, and the started runs are received afterwards.
    """
    recoveries: list[float] = []
    all_faults = [_lock_table, _read_only, _all_sessions]
    with under_load(testbed.users(4)) as load, testbed.outage():
        for fault in all_faults * testbed.scaled(1):
            sleep_for(1)
            fault(testbed)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    testbed.wait_until_all_received()
    return Outcome(len(recoveries), "faults", recoveries, "recovery", check_load(testbed, load))


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
    """A session in psql locks the runs' rows: an abort is answered 503 within 15 s, and succeeds after the lock is
    released.
    """
    seconds: list[float] = []
    users = testbed.users(testbed.scaled(5))
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
    return Outcome(len(runs), "aborts", seconds, "answer")
