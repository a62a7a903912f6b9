"""PostgreSQL killed, frozen, cut off, locked, full of sessions, while people use the product."""

import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import psycopg

from tests.drills import faults
from tests.drills.lasting import lasts
from tests.drills.load import Load, first_good, under_load
from tests.drills.people import Person
from tests.drills.registry import PLACEHOLDER, WALKING, drill
from tests.drills.results import Outcome
from tests.drills.stage import Stage

GROUP = "PostgreSQL"
PATIENCE_SECONDS = 15.0
"""Within which every request is answered, whatever PostgreSQL does: 7 s for an answer, and for a second look."""


CROWD_SECONDS = 20.0
"""The same for more people than connections: who comes last waits for those before, 7 s and then 3 s at a time."""


def answered(stage: Stage, load: Load, patience: float = PATIENCE_SECONDS) -> dict[str, str]:
    """Check that everybody was answered, and with nothing but results and 503; returns the figures."""
    strange = {status: n for status, n in load.statuses.items() if status not in ("200", "201", "409", "503")}
    if strange:
        stage.wrong(f"answers under load: {strange}")
    if load.slowest > patience:
        stage.wrong(f"an answer took {load.slowest:.1f} s")
    shown = ", ".join(f"{status}: {n}" for status, n in sorted(load.statuses.items()))
    return {"answers": shown, "slowest": f"{load.slowest:.1f} s"}


@drill("PostgreSQL killed under load", GROUP, WALKING)
def postgres_killed(stage: Stage) -> Outcome:
    """PostgreSQL is SIGKILLed while 6 people start, read and abort: answers are results or 503, nothing acknowledged is
    lost. Recovery is counted from the kill to the first good answer.
    """
    stage.walk(units=2, pause=0.05)
    recoveries: list[float] = []
    with under_load(stage, stage.people(6)) as load, stage.outage():
        for _ in range(stage.times(3, 2)):
            lasts(stage.random.uniform(1, 3))
            faults.kill(stage.product, "postgres")
            recoveries.append(first_good(load, datetime.now(UTC)))
    faults.heal(stage.product)
    facts = answered(stage, load)
    stage.clear_away()
    return Outcome(len(recoveries), "kills", recoveries, "recovery", facts)


@drill("PostgreSQL sessions ended under load", GROUP, WALKING)
def sessions_ended(stage: Stage) -> Outcome:
    """Every session at PostgreSQL is terminated, 50 times, at random instants, while 6 people use the product.
    Statements are cut in the middle, commits among them: their outcome is unknown to whoever sent them.
    """
    stage.walk(units=2, pause=0.05)
    recoveries, ended = [], 0
    with under_load(stage, stage.people(6)) as load, stage.outage():
        for _ in range(stage.times(50, 10)):
            lasts(stage.random.uniform(0.05, 0.25))
            ended += faults.cut_postgres(stage.product)
            recoveries.append(first_good(load, datetime.now(UTC)))
    facts = answered(stage, load)
    stage.clear_away()
    return Outcome(ended, "sessions ended", recoveries, "recovery", facts)


@drill("PostgreSQL frozen under load", GROUP, WALKING)
def postgres_frozen(stage: Stage) -> Outcome:
    """PostgreSQL hangs for 10 s while 6 people use the product, and 32 more start at one instant: each is answered
    within 20 s, though they are more than there are connections, and all goes on. Nothing closes a connection here;
    only time limits help.
    """
    stage.walk(units=2, pause=0.05)
    recoveries: list[float] = []
    waits: list[float] = []
    many = stage.people(32)
    with under_load(stage, stage.people(6)) as load, stage.outage():
        for _ in range(stage.times(1)):
            lasts(1)
            with faults.frozen(stage.product, "postgres"):
                ends = time.monotonic() + 10
                waits += [load.note(reply).seconds for reply in stage.crowd(Person.start, many)]
                lasts(max(0.0, ends - time.monotonic()))
            recoveries.append(first_good(load, datetime.now(UTC)))
    faults.heal(stage.product)
    facts = answered(stage, load, CROWD_SECONDS)
    stage.clear_away()
    return Outcome(len(recoveries), "freezes", recoveries, "recovery", {**facts, "of 32": f"{max(waits):.1f} s"})


@drill("PostgreSQL locked, read-only, full of sessions", GROUP, PLACEHOLDER)
def postgres_strange(stage: Stage) -> Outcome:
    """Somebody locks the table, makes the database read-only, takes every session: answers are results or 503, and all
    goes on. What an operator with psql may do. What was started is received afterwards.
    """
    recoveries: list[float] = []
    faults_here = [_lock_table, _read_only, _all_sessions]
    with under_load(stage, stage.people(4)) as load, stage.outage():
        for fault in faults_here * stage.times(1):
            lasts(1)
            fault(stage)
            recoveries.append(first_good(load, datetime.now(UTC)))
    faults.heal(stage.product)
    stage.none_left_behind()
    return Outcome(len(recoveries), "faults", recoveries, "recovery", answered(stage, load))


def _lock_table(stage: Stage) -> None:
    with stage.product.connect() as connection:
        connection.execute("LOCK TABLE ingestion_runs")
        lasts(6)
        connection.rollback()


def _read_only(stage: Stage) -> None:
    stage.product.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    stage.product.sql("SELECT pg_reload_conf()")
    lasts(5)
    with stage.product.connect() as connection:
        connection.autocommit = True
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def _all_sessions(stage: Stage) -> None:
    with ExitStack() as stack, suppress(psycopg.OperationalError):
        faults.cut_postgres(stage.product)
        while True:
            stack.enter_context(stage.product.connect())
    # Leaving the block gives them back; those that came too late are answered again.


@drill("aborts and starts behind a held row", GROUP, PLACEHOLDER)
def held_row(stage: Stage) -> Outcome:
    """Psql holds the run's row: the abort waits, answers 503 within 15 s, and succeeds afterwards. An abort that was
    answered 503 was not carried out behind anybody's back, or was, and is shown as such.
    """
    seconds: list[float] = []
    people = stage.people(stage.times(5))
    runs = [(person, person.start().run_id) for person in people]
    with stage.product.connect() as connection:
        connection.execute("SELECT FROM ingestion_runs FOR UPDATE")
        for reply in stage.crowd(lambda pair: pair[0].abort(pair[1]), runs):
            seconds.append(reply.seconds)
            if reply.status != 503 or reply.seconds > PATIENCE_SECONDS:
                stage.wrong(f"abort behind a held row: {reply.status} after {reply.seconds:.1f} s")
        connection.rollback()
    for person, run_id in runs:
        if person.abort(run_id).status != 200:
            stage.wrong(f"run {run_id} could not be aborted afterwards")
    return Outcome(len(runs), "aborts", seconds, "answer")
