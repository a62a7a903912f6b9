"""Leases that pass while their holder stores, and two products on one database."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import psutil

from app.embedded import postgres as embedded_postgres
from app.models import Component
from tests.drills import faults
from tests.drills.drill_product import DrillProduct
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.run_kills import ENDS, MANY_POSTINGS
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, SETTINGS, Testbed, create_product
from tests.drills.users import User
from tests.support.product import temporary_folder
from tests.support.waiting import wait_until

GROUP = "Runs that ingest"

ABORT_SHARE = 1 / 3

STORING = """
SELECT 1 FROM posting_revisions JOIN listings USING (listing_id) WHERE listings.state = 'reading' LIMIT 1
"""
TAKING_IN = """
SELECT 1 FROM run_companies JOIN ingestion_runs ON id = run_id
WHERE status = 'ingesting' AND state = 'read' AND EXISTS (SELECT FROM jobs WHERE jobs.run_id = id) LIMIT 1
"""
SHARED = ("SOURCE_BASE_URLS", *SETTINGS)
"""The settings that two products on one database have in common."""


@drill("lease lost while storing", GROUP, PRODUCT)
def lease_lost(testbed: Testbed) -> Outcome:
    """A reader is frozen while it stores a listing, and a worker while it takes postings in, until their leases have
    passed and another node has done the work. Resumed, they write nothing: each listing and each company ends once.
    """
    testbed.expected += LOST_WORKER
    seconds: list[float] = []
    for component, sign in ((Component.READER, STORING), (Component.WORKER, TAKING_IN)):
        with testbed.product.second_node(component) as supervisor:
            for _ in range(testbed.scaled(10)):
                seconds.append(_lose_lease(testbed, component, sign, psutil.Process(supervisor.pid)))
    ends = dict(testbed.product.sql(ENDS))
    if set(ends) != {"finished"}:
        testbed.record_violation(f"the runs ended as {ends}")
    return Outcome(len(seconds), "lost leases", seconds, "the run's end", {"runs": ends})


def _lose_lease(testbed: Testbed, component: Component, sign: str, second: psutil.Process) -> float:
    """Freeze the first node while it stores, and let the second one do the work; return the seconds that it took."""
    (user,) = testbed.users(1, boards=0)
    user.choose(testbed.serve(1, MANY_POSTINGS))
    with ExitStack() as stack:
        with _frozen([second, *second.children(recursive=True)]):
            user.start()
            wait_until(partial(testbed.product.sql, sign), 60, "the storing", pause=0.005)
            stack.enter_context(_frozen(faults.all_processes(testbed.product, component)))
        return testbed.wait_until_all_ended(60)


@contextmanager
def _frozen(processes: Iterable[psutil.Process]) -> Iterator[None]:
    frozen = list(processes)
    for process in frozen:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in frozen:
            with suppress(psutil.Error):
                process.resume()


@drill("two products on one database", GROUP, PRODUCT)
def two_products(testbed: Testbed) -> Outcome:
    """A second product, with its own Redis, web server, workers, reader and reconciler, uses the same database. Users
    start and abort at both. Each run is carried out once, whoever receives it.
    """
    users, rounds, seconds = testbed.users(12), testbed.scaled(10), []
    ours = testbed.product
    settings = {name: ours.environment[name] for name in SHARED}
    settings["DATABASE_URL"] = embedded_postgres.database_url(ours.data_dir)
    with temporary_folder() as folder, create_product(DrillProduct, folder, **settings) as other:
        other.start()
        for _ in range(rounds):
            testbed.run_concurrently(partial(_start_and_abort, ports=(ours.port, other.port)), users)
            seconds.append(testbed.wait_until_all_ended(60))
        received = other.output().count('"run received"')
    if not received:
        testbed.record_violation("the second product received no run, which proves little")
    facts = {"runs": dict(ours.sql(ENDS)), "messages received by the second product": received}
    return Outcome(rounds * len(users), "runs", seconds, "the last run's end", facts)


def _start_and_abort(user: User, ports: Sequence[int]) -> None:
    """Start a run at one product, and abort every third one at either."""
    user.port = user.random.choice(ports)
    run_id = user.start().run_id
    if user.random.random() < ABORT_SHARE and run_id:
        sleep_for(user.random.uniform(0, 0.5))
        user.port = user.random.choice(ports)
        user.abort(run_id)
