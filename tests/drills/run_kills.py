"""Runs whose worker, reader, database or broker is killed, frozen or gone for good."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Event

import psutil
import psycopg

from app.models import Component
from tests.drills import faults
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed
from tests.drills.users import User
from tests.support.waiting import wait_until

GROUP = "Runs that ingest"

KILLS = 200
USERS = 6
MANY_POSTINGS = 2000
"""Postings that change from one run to the next, so that runs are ingesting for a while."""

LARGE_BOARD = 6000
"""Postings of a board that is stored, and taken in, by several statements."""

FROZEN_SECONDS = 40
VICTIMS = (
    *("worker", "child of worker", "reader", "child of reader", "web", "child of web"),
    *("reconciler", "postgres", "redis"),
)
STORING = """
SELECT 1 FROM posting_revisions JOIN listings USING (listing_id) WHERE listings.state = 'reading' LIMIT 1
"""
TAKING_IN = """
SELECT 1 FROM run_companies JOIN ingestion_runs ON id = run_id WHERE status = 'ingesting' AND state = 'read'
    AND EXISTS (SELECT FROM jobs WHERE jobs.run_id = ingestion_runs.id) LIMIT 1
"""

COLUMNS = ("kills", "pending", "initializing", "ingesting")
"""The columns of the report: how often each victim was killed, and the statuses of the runs that were active then."""

ACTIVE = "SELECT DISTINCT status FROM ingestion_runs WHERE finished_at IS NULL"
ENDS = "SELECT status, count(*) FROM ingestion_runs GROUP BY status ORDER BY status"
ENDS_SINCE = "SELECT status, count(*) FROM ingestion_runs WHERE id > %s GROUP BY status ORDER BY status"


@drill("200 kills", GROUP, PRODUCT)
def kills(testbed: Testbed) -> Outcome:
    """200 times, something is killed with SIGKILL at a random instant while runs initialize and ingest: the worker, the
    reader, the web server, a child of one of them, the reconciler, PostgreSQL or Redis. Every run finishes, with
    exactly the postings of its boards, and none is carried out twice.
    """
    testbed.expected += (*LOST_WORKER, b"Couldn't ack", b"Unrecoverable error")
    # Under kill after kill, MAX_WAIT_SECONDS cannot hold. The end of all runs replaces it.
    testbed.max_wait = None
    met: Counter[tuple[str, str]] = Counter()
    users = _users_with_long_runs(testbed)
    done = Event()
    seconds: list[float] = []
    with ThreadPoolExecutor(len(users)) as pool:
        loops = [pool.submit(_run_repeatedly, user, done) for user in users]
        try:
            victims = (VICTIMS * KILLS)[: testbed.scaled(KILLS, len(VICTIMS))]
            for victim in testbed.random.sample(victims, len(victims)):
                _wait_until_active(testbed)
                sleep_for(testbed.random.uniform(0, 0.5))
                statuses = _active_statuses(testbed)
                began = time.monotonic()
                _kill(testbed, victim)
                met.update((victim, status) for status in ("kills", *statuses))
                _wait_until_answered(testbed, users[0])
                seconds.append(time.monotonic() - began)
        finally:
            done.set()
        for loop in loops:
            loop.result()
    faults.recover(testbed.product)
    testbed.wait_until_all_ended(120)
    ends = dict(testbed.product.sql(ENDS))
    if set(ends) != {"finished"}:
        testbed.record_violation(f"the runs ended as {ends}")
    table = [("killed", *COLUMNS), *((victim, *(met[victim, name] for name in COLUMNS)) for victim in VICTIMS)]
    return Outcome(len(seconds), "kills", seconds, "answer after a kill", {"runs": ends}, table=table)


def _users_with_long_runs(testbed: Testbed) -> list[User]:
    users = testbed.users(USERS, boards=0)
    boards = testbed.serve(2, delay=0.4) + testbed.serve(1, MANY_POSTINGS, changing=MANY_POSTINGS)
    for user in users:
        user.choose(boards)
    return users


def _run_repeatedly(user: User, done: Event) -> None:
    """Start one run after the other, each once the one before has ended."""
    while not done.is_set():
        user.start()
        sleep_for(user.random.uniform(0.05, 0.5))


def _active_statuses(testbed: Testbed) -> set[str]:
    """Return the statuses of the active runs; none if PostgreSQL does not answer."""
    with suppress(psycopg.Error):
        return {status for (status,) in testbed.product.sql(ACTIVE)}
    return set()


def _wait_until_active(testbed: Testbed) -> None:
    """Wait until a worker carries out a run."""
    wait_until(lambda: _active_statuses(testbed) - {"pending"}, 120, "a run that is carried out")


def _kill(testbed: Testbed, victim: str) -> None:
    if victim.startswith("child of "):
        name = victim.removeprefix("child of ")
        children = wait_until(lambda: faults.children(testbed.product, name), 60, f"a {victim}")
        with suppress(psutil.NoSuchProcess):
            testbed.random.choice(children).kill()
    else:
        faults.main_process(testbed.product, victim, 60)
        faults.kill(testbed.product, victim)


def _wait_until_answered(testbed: Testbed, user: User) -> None:
    wait_until(lambda: user.get_current_run().status in (200, 404), 60, "an answer")


@drill("all frozen", GROUP, PRODUCT)
def all_frozen(testbed: Testbed) -> Outcome:
    """Every process of the product, with PostgreSQL and Redis, is frozen for 40 s while runs initialize and ingest, and
    then resumed at once. Leases and deadlines of boards have passed meanwhile. Every run ends; a company whose reading
    was frozen past its deadline may fail, and says so. Nothing is written twice, and each user's next run finishes.
    """
    testbed.max_wait = None
    testbed.is_exact = False
    testbed.expected += (*LOST_WORKER, b"Couldn't ack", b"Unrecoverable error")
    # gunicorn's main process ends a web process that was silent for so long.
    testbed.expected += (b"WORKER TIMEOUT", b"exited with code 1")
    users = _users_with_long_runs(testbed)
    run_ids = [user.start().run_id for user in users]
    _wait_until_active(testbed)
    sleep_for(testbed.random.uniform(0, 0.5))
    with testbed.outage():
        with _frozen(testbed.product.processes()):
            sleep_for(FROZEN_SECONDS * min(1.0, testbed.scale))
    began = time.monotonic()
    faults.recover(testbed.product)
    testbed.wait_until_all_ended(120)
    seconds = time.monotonic() - began
    ends = dict(testbed.product.sql(ENDS))
    for user in users:
        user.start()
    testbed.wait_until_all_ended(120)
    last = testbed.product.sql(ENDS_SINCE, max(run_ids))
    if last != [("finished", len(users))]:
        testbed.record_violation(f"the runs after the freeze ended as {last}")
    return Outcome(len(run_ids), "runs", [seconds], "the last run's end", {"ended as": ends})


@drill("the carrying worker is gone", GROUP, PRODUCT)
def carrying_worker_gone(testbed: Testbed) -> Outcome:
    """A second node has a worker of its own. Everything of one node, its supervisor too, is frozen while it carries
    runs, and stays away: the other node carries them on. Resumed after their end, it writes nothing to them.
    """
    testbed.expected += LOST_WORKER
    seconds, count = [], 0
    with testbed.product.second_node() as supervisor:
        for _ in range(testbed.scaled(4)):
            users = _users_with_long_runs(testbed)
            for user in users:
                user.start()
            _wait_until_active(testbed)
            sleep_for(testbed.random.uniform(0, 0.5))
            node = psutil.Process(supervisor.pid)
            # A resumed worker acts at once; what it writes then is found by the record of writes.
            with _frozen([node, *node.children(recursive=True)]):
                seconds.append(testbed.wait_until_all_ended(60))
            count += len(users)
            sleep_for(1)
    ends = dict(testbed.product.sql(ENDS))
    if set(ends) != {"finished"}:
        testbed.record_violation(f"the runs ended as {ends}")
    return Outcome(count, "runs", seconds, "the last run's end")


@drill("holder frozen while it stores", GROUP, PRODUCT)
def holder_frozen(testbed: Testbed) -> Outcome:
    """A reader is frozen while it stores a listing, and a worker while it takes postings in, until their leases have
    passed and another node has done the work. Resumed, they write nothing: each listing and each company ends once.
    """
    testbed.expected += LOST_WORKER
    seconds: list[float] = []
    for component, sign in ((Component.READER, STORING), (Component.WORKER, TAKING_IN)):
        with testbed.product.second_node(component) as supervisor:
            for _ in range(testbed.scaled(4)):
                seconds.append(_lose_lease(testbed, component, sign, psutil.Process(supervisor.pid)))
    ends = dict(testbed.product.sql(ENDS))
    if set(ends) != {"finished"}:
        testbed.record_violation(f"the runs ended as {ends}")
    return Outcome(len(seconds), "lost leases", seconds, "the run's end", {"runs": ends})


def _lose_lease(testbed: Testbed, component: Component, sign: str, second: psutil.Process) -> float:
    """Freeze the first node while it stores, and let the second one do the work; return the seconds that it took."""
    (user,) = testbed.users(1, boards=0)
    user.choose(testbed.serve(1, LARGE_BOARD))
    with ExitStack() as stack:
        with _frozen([second, *second.children(recursive=True)]):
            with testbed.product.connect() as connection:
                connection.autocommit = True
                user.start()
                wait_until(lambda: connection.execute(sign).fetchone(), 60, "the storing", pause=0.001)
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
