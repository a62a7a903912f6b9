"""Aborts against simultaneous moves of the run, and aborts during outages."""

from contextlib import ExitStack
from threading import Lock
from typing import Any

from tests.drills import faults
from tests.drills.broker_faults import abort_all, check_answers
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome, percentile
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User

GROUP = "Aborts"
MAX_STEP_SECONDS = 0.02
MANY_POSTINGS = 3000
"""Postings that change from one run to the next: to take them in takes a while."""

ABORTED_FROM = """
SELECT from_status, count(*) FROM run_events WHERE to_status = 'aborted' GROUP BY from_status ORDER BY from_status
"""
"""The statuses of the aborted runs at the abort."""


@drill("abort at a random time", GROUP, PRODUCT)
def abort_at_random(testbed: Testbed) -> Outcome:
    """300 runs are each aborted at a random time: an aborted run stays aborted, and nothing of it is written after the
    abort. If a run has finished first, the abort is answered 409.
    """
    runs, seconds, ends = testbed.scaled(300, 12), [], {200: 0, 409: 0}
    users = testbed.users(6, boards=0)
    boards = testbed.serve(1, delay=0.5) + testbed.serve(1, MANY_POSTINGS, changing=MANY_POSTINGS)
    for user in users:
        user.choose(boards)
    lock = Lock()

    def start_and_abort(numbered: tuple[int, User]) -> None:
        number, user = numbered
        for _ in range(number, runs, len(users)):
            run_id = user.start().run_id
            sleep_for(user.random.uniform(0, 1.5))
            reply = user.abort(run_id)
            seen = user.get_run(run_id)
            with lock:
                seconds.append(reply.seconds)
                ends[reply.status] = ends.get(reply.status, 0) + 1
            if reply.status == 200 and seen.document["status"] != "aborted":
                testbed.record_violation(f"run {run_id} was aborted, but is shown as {seen.document['status']}")

    testbed.run_concurrently(start_and_abort, list(enumerate(users)))
    testbed.wait_until_all_ended()
    if ends[200] + ends[409] != runs:
        testbed.record_violation(f"{runs} aborts were answered {ends}")
    aborted = dict(testbed.product.sql(ABORTED_FROM))
    if testbed.scale >= 1 and len(aborted) < 3:
        testbed.record_violation(f"no run was aborted in some status, which proves little: {aborted}")
    facts = {"finished first": ends[409], "aborted while": aborted}
    return Outcome(sum(ends.values()), "runs", seconds, "abort's answer", facts)


@drill("abort against finish", GROUP, PRODUCT)
def abort_against_finish(testbed: Testbed) -> Outcome:
    """300 runs are aborted at the time at which they are about to finish: one wins, and the loser gets the true status.
    Whoever has won comes a little later the next time, so that each of them wins often.
    """
    runs, seconds, split = testbed.scaled(300, 10), [], {"aborted": 0, "finished": 0}
    (user,) = testbed.users(1, boards=1, delay=0)
    lead = 0.1
    for _ in range(runs):
        run_id = user.start().run_id
        sleep_for(lead)
        reply, status = user.abort(run_id), str(user.get_run(run_id).document["status"])
        seconds.append(reply.seconds)
        split[status] = split.get(status, 0) + 1
        step = testbed.random.uniform(0, MAX_STEP_SECONDS)
        lead = max(0.0, lead - step if status == "finished" else lead + step)
        _check_agreement(testbed, run_id, reply, status)
    testbed.wait_until_all_ended()
    if min(split.values()) * 10 < runs and testbed.scale >= 1:
        testbed.record_violation(f"one side won nearly all races, which proves little: {split}")
    facts = {**split, "aborted while": dict(testbed.product.sql(ABORTED_FROM))}
    return Outcome(sum(split.values()), "races", seconds, "abort's answer", facts)


def _check_agreement(testbed: Testbed, run_id: int, reply: Reply, status: str) -> None:
    expected = {200: "aborted", 409: "finished"}.get(reply.status or 0)
    if expected != status:
        testbed.record_violation(f"run {run_id}: the abort was answered {reply.status}, but the run is {status}")


OUTAGES: list[tuple[Any, list[str]]] = [
    (faults.frozen, ["redis"]),
    (faults.frozen, ["redis", "worker"]),
    (faults.frozen, ["redis", "worker", "reconciler"]),
    (faults.kept_down, ["redis"]),
    (faults.kept_down, ["worker", "reconciler"]),
    (faults.kept_down, ["redis", "worker", "reconciler"]),
]


@drill("abort during outages", GROUP, PRODUCT)
def abort_during_outage(testbed: Testbed) -> Outcome:
    """Redis, the workers and the reconciler are frozen, then killed: one, two or all of them. Starts and aborts are
    answered within 3 s, and the user's next start succeeds.
    """
    seconds: list[float] = []
    for fault, names in OUTAGES * testbed.scaled(1):
        users = testbed.users(8)
        for name in names:
            # The launcher may be about to restart it.
            faults.main_process(testbed.product, name)
        with testbed.outage(), ExitStack() as stack:
            for name in names:
                stack.enter_context(fault(testbed.product, name))
            for _ in range(2):
                started = testbed.run_concurrently(User.start, users)
                seconds += check_answers(testbed, started)
                seconds += abort_all(testbed, users, started)
        faults.recover(testbed.product)
    facts = {"p99 without a fault": _undisturbed_p99(testbed)}
    return Outcome(len(seconds), "answers", seconds, "answer", facts)


def _undisturbed_p99(testbed: Testbed) -> str:
    (user,) = testbed.users(1, delay=2)
    seconds = [user.abort(user.start().run_id).seconds for _ in range(testbed.scaled(100))]
    return f"{1000 * (percentile(seconds, 0.99) or 0):.0f} ms"
