"""Processes without memory: the children of the worker and the reader under a limit, while big boards are read."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.drills import faults
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.run_faults import GROUP
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed
from tests.drills.users import User
from tests.support.waiting import wait_until

BIG, SMALL = 6000, 20
"""Postings of a board that needs more memory than is left, and of one that may not."""

SPARE_MEGABYTES = (2, 10, 30, 70)
"""Memory beyond what a process has when the limit comes: none for a thread's stack, for one, for some, for all."""

LIMITED_SECONDS = 6
LIMIT = resource.RLIMIT_DATA
"""Memory that the process has written or may write. The address space also has room that is only reserved."""

OUT_OF_MEMORY = (b"MemoryError", b"board not read", b"company not taken in", b"reading failed")
RUNS = "SELECT id, status, jobs_ready FROM ingestion_runs ORDER BY id"
COMPANIES = """
SELECT run_id, name, state, outcome, new_jobs,
       (SELECT count(*) FROM job_events WHERE job_events.run_id = units.run_id AND kind = 'new' AND job_id IN (
           SELECT jobs.id FROM jobs WHERE jobs.board_id = units.board_id))
FROM run_companies AS units ORDER BY run_id, name
"""


@drill("processes without memory", GROUP, PRODUCT)
def without_memory(testbed: Testbed) -> Outcome:
    """The children of worker and reader get 2 to 70 MB more, while runs read boards of 6000 postings. Each company ends
    with true counts or an error; once the limit is lifted, the next runs bring all that is missing.
    """
    testbed.expected += (*OUT_OF_MEMORY, *LOST_WORKER)
    # A process without memory may lose the log line of a receipt.
    testbed.max_wait = None
    testbed.is_exact = False
    users = testbed.users(testbed.scaled(3, 2), boards=0)
    sizes: dict[str, int] = {}
    for user in users:
        [big], [small] = testbed.serve(1, BIG, delay=1), testbed.serve(1, SMALL, delay=1)
        sizes |= {big: BIG, small: SMALL}
        user.choose([big, small])
    with _limited(testbed) as limited:
        testbed.run_concurrently(User.start, users)
        sleep_for(LIMITED_SECONDS)
    seconds = [testbed.wait_until_all_ended(150)]
    failed = _check_companies(testbed, sizes)
    faults.recover(testbed.product)
    _make_unread(testbed)
    testbed.run_concurrently(User.start, users)
    seconds.append(testbed.wait_until_all_ended(150))
    _check_companies(testbed, sizes)
    found = testbed.product.sql("SELECT count(*), count(DISTINCT (user_id, company, external_id)) FROM jobs")
    wanted = len(users) * (BIG + SMALL)
    if found != [(wanted, wanted)]:
        testbed.record_violation(f"afterwards there are {found} jobs, not {wanted}")
    facts = {"limited processes": len(limited), "companies failed": failed, "refusals logged": _count_refusals(testbed)}
    return Outcome(2 * len(users), "runs", seconds, "last run's end", facts)


@contextmanager
def _limited(testbed: Testbed) -> Iterator[list[psutil.Process]]:
    """Limit the memory of all children inside this block. Those that are forked meanwhile have no limit."""
    product = testbed.product
    names = ("worker", "reader")
    wait_until(lambda: all(faults.children(product, name) for name in names), 30, "the children")
    processes = [child for name in names for child in faults.children(product, name)]
    for process in processes:
        spare = testbed.random.choice(SPARE_MEGABYTES) * 2**20
        process.rlimit(LIMIT, (_data_bytes(process) + spare, resource.RLIM_INFINITY))
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(psutil.Error, ProcessLookupError):
                process.rlimit(LIMIT, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _data_bytes(process: psutil.Process) -> int:
    """Return what counts against the limit (VmData)."""
    return int(process.memory_info().data)


def _make_unread(testbed: Testbed) -> None:
    """Let failed readings answer no longer, so that the next run reads those boards again."""
    testbed.product.sql("UPDATE boards SET failed_until = NULL WHERE failed_until IS NOT NULL")


def _check_companies(testbed: Testbed, sizes: dict[str, int]) -> int:
    """Check that each company has the jobs that it counts, all of them or an error; return the number that failed."""
    failed = 0
    before = dict[str, int]()
    for run_id, name, state, outcome, counted, told in testbed.product.sql(COMPANIES):
        if state not in ("taken_in", "failed") or (counted or 0) != told:
            testbed.record_violation(f"{name} of run {run_id} is {state}, counts {counted} new jobs, brought {told}")
        before[name] = before.get(name, 0) + told
        if state == "taken_in" and before[name] != sizes[name]:
            testbed.record_violation(f"{name} of run {run_id} is taken in with {before[name]} of {sizes[name]} jobs")
        if state == "failed":
            failed += 1
            if not outcome:
                testbed.record_violation(f"{name} of run {run_id} failed without an outcome")
    for run_id, status, jobs in testbed.product.sql(RUNS):
        if status not in ("finished", "error"):
            testbed.record_violation(f"run {run_id} ended as {status} with {jobs} jobs")
    return failed


def _count_refusals(testbed: Testbed) -> int:
    output = testbed.product.output()
    return output.count("MemoryError") + output.count("can't start new thread")
