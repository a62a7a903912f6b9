"""Aborts against simultaneous moves of the run, and aborts during outages."""

from contextlib import ExitStack
from threading import Lock
from typing import Any

from tests.drills import faults
from tests.drills.broker_faults import abort_all, check_answers
from tests.drills.registry import PLACEHOLDER, SIMULATED, drill
from tests.drills.results import Outcome, percentile
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import User

GROUP = "Aborts"


@drill("abort at a random time", GROUP, SIMULATED)
def abort_at_random(testbed: Testbed) -> Outcome:
    """1,000 runs are each aborted at a random time: an aborted run stays aborted, and no job is stored after the abort.
    If a run has finished first, the abort is answered 409.
    """
    testbed.configure_worker(units=3, pause=0.02)
    runs, seconds, ends = testbed.scaled(1000, 8), [], {200: 0, 409: 0}
    users = testbed.users(10)
    lock = Lock()

    def start_and_abort(numbered: tuple[int, User]) -> None:
        number, user = numbered
        for _ in range(number, runs, len(users)):
            run_id = user.start().run_id
            sleep_for(user.random.uniform(0, 0.4))
            reply = user.abort(run_id)
            seen = user.get_run(run_id)
            with lock:
                seconds.append(reply.seconds)
                ends[reply.status] = ends.get(reply.status, 0) + 1
            if reply.status == 200 and seen.document["status"] != "aborted":
                testbed.record_violation(f"run {run_id} was aborted, but is shown as {seen.document['status']}")

    testbed.run_concurrently(start_and_abort, list(enumerate(users)))
    testbed.wait_until_all_ended()
    testbed.check_no_late_jobs()
    if ends[200] + ends[409] != runs:
        testbed.record_violation(f"{runs} aborts were answered {ends}")
    facts = {"aborted": ends[200], "finished first": ends[409]}
    return Outcome(sum(ends.values()), "runs", seconds, "abort's answer", facts)


@drill("abort against finish", GROUP, SIMULATED)
def abort_against_finish(testbed: Testbed) -> Outcome:
    """The worker's finish and the user's abort of a run start at once, 1,000 times: one wins, and the loser gets the
    true status. A small random lead lets each of them win often.
    """
    testbed.configure_worker(units=0, barrier=True)
    runs, seconds, split = testbed.scaled(1000, 10), [], {"aborted": 0, "finished": 0}
    (user,) = testbed.users(1)
    lead = 0.004
    with faults.broker(testbed.product, timeout=None) as client:
        for _ in range(runs):
            run_id = user.start().run_id
            ready = client.blpop("drill:ready", timeout=60)
            if ready is None or int(ready[1]) != run_id:
                testbed.record_violation(f"run {run_id} did not reach its barrier ({ready})")
                break
            reply, status = _race(testbed, client, user, run_id, lead)
            seconds.append(reply.seconds)
            split[status] = split.get(status, 0) + 1
            # The side that has just won starts a little later the next time.
            lead = max(0.0, lead + (0.0002 if status == "finished" else -0.0002))
            _check_agreement(testbed, run_id, reply, status)
    testbed.wait_until_all_ended()
    return Outcome(sum(split.values()), "races", seconds, "abort's answer", {f"{k}": v for k, v in split.items()})


def _race(testbed: Testbed, client: Any, user: User, run_id: int, lead: float) -> tuple[Any, str]:
    """Abort, and release the worker about ``lead`` seconds later; return the answer and the run's final status."""
    pause = max(0.0, lead + testbed.random.uniform(-0.003, 0.003))

    def act(actor: str) -> Any:
        if actor == "user":
            return user.abort(run_id)
        sleep_for(pause)
        return client.lpush(f"drill:go:{run_id}", 1)

    reply, _ = testbed.run_concurrently(act, ["user", "worker"])
    return reply, str(user.get_run(run_id).document["status"])


def _check_agreement(testbed: Testbed, run_id: int, reply: Any, status: str) -> None:
    expected = {200: "aborted", 409: "finished"}.get(reply.status)
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


@drill("abort during outages", GROUP, PLACEHOLDER)
def abort_during_outage(testbed: Testbed) -> Outcome:
    """Redis, the workers and the reconciler are frozen, then killed: one, two or all of them. Starts and aborts are
    answered within 3 s, and the user's next start succeeds.
    """
    seconds: list[float] = []
    for fault, names in OUTAGES * testbed.scaled(1):
        users = testbed.users(8)
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
    (user,) = testbed.users(1)
    seconds = [user.abort(user.start().run_id).seconds for _ in range(testbed.scaled(100))]
    return f"{1000 * (percentile(seconds, 0.99) or 0):.0f} ms"
