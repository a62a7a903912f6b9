"""An abort against whatever else happens to the run."""

from contextlib import ExitStack
from threading import Lock
from typing import Any

from tests.drills import faults
from tests.drills.broker_faults import check_answers
from tests.drills.registry import PLACEHOLDER, SIMULATED, drill
from tests.drills.results import Outcome, percentile
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import User

GROUP = "Aborts"


@drill("abort at a random instant", GROUP, SIMULATED)
def abort_at_random(testbed: Testbed) -> Outcome:
    """1,000 runs, each aborted at a random instant of its life: aborted stays aborted, and no posting comes after it.
    Some are finished before; then the abort says so.
    """
    testbed.configure_worker(units=3, pause=0.02)
    runs, seconds, ends = testbed.scaled(1000, 8), [], {200: 0, 409: 0}
    users = testbed.users(10)
    lock = Lock()

    def live(numbered: tuple[int, User]) -> None:
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
                testbed.record_violation(f"run {run_id} was aborted and is shown as {seen.document['status']}")

    testbed.run_concurrently(live, list(enumerate(users)))
    testbed.wait_until_all_ended()
    testbed.check_no_late_postings()
    if ends[200] + ends[409] != runs:
        testbed.record_violation(f"of {runs} aborts the answers were {ends}")
    facts = {"aborted": ends[200], "had finished": ends[409]}
    return Outcome(sum(ends.values()), "runs", seconds, "abort's answer", facts)


@drill("abort against finish", GROUP, SIMULATED)
def abort_against_finish(testbed: Testbed) -> Outcome:
    """1,000 runs stand before their end when worker and user are let go at once: one wins, the other is told the truth.
    The user is let go a little earlier or later by chance, so that each wins often.
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
                testbed.record_violation(f"run {run_id} did not come to its barrier ({ready})")
                break
            reply, status = _race(testbed, client, user, run_id, lead)
            seconds.append(reply.seconds)
            split[status] = split.get(status, 0) + 1
            # Whoever wins too often is let go later.
            lead = max(0.0, lead + (0.0002 if status == "finished" else -0.0002))
            _check_agreement(testbed, run_id, reply, status)
    testbed.wait_until_all_ended()
    return Outcome(sum(split.values()), "meetings", seconds, "abort's answer", {f"{k}": v for k, v in split.items()})


def _race(testbed: Testbed, client: Any, user: User, run_id: int, lead: float) -> tuple[Any, str]:
    """Let the worker go by chance around ``lead`` seconds after the user; returns the answer and how the run ended."""
    pause = max(0.0, lead + testbed.random.uniform(-0.003, 0.003))

    def side(which: str) -> Any:
        if which == "user":
            return user.abort(run_id)
        sleep_for(pause)
        return client.lpush(f"drill:go:{run_id}", 1)

    reply, _ = testbed.run_concurrently(side, ["user", "worker"])
    return reply, str(user.get_run(run_id).document["status"])


def _check_agreement(testbed: Testbed, run_id: int, reply: Any, status: str) -> None:
    expected = {200: "aborted", 409: "finished"}.get(reply.status)
    if expected != status:
        testbed.record_violation(f"run {run_id}: the abort was answered {reply.status} and the run is {status}")


OUTAGES: list[tuple[Any, list[str]]] = [
    (faults.frozen, ["redis"]),
    (faults.frozen, ["redis", "worker"]),
    (faults.frozen, ["redis", "worker", "reconciler"]),
    (faults.kept_down, ["redis"]),
    (faults.kept_down, ["worker", "reconciler"]),
    (faults.kept_down, ["redis", "worker", "reconciler"]),
]


@drill("abort while others are away", GROUP, PLACEHOLDER)
def abort_during_outage(testbed: Testbed) -> Outcome:
    """Redis, the workers and the reconciler are frozen, then dead, one of them, two or all: start and abort answer
    within 3 s. The next start of the same user succeeds at once, too.
    """
    seconds: list[float] = []
    for fault, names in OUTAGES * testbed.scaled(1):
        users = testbed.users(8)
        with testbed.outage(), ExitStack() as stack:
            for name in names:
                stack.enter_context(fault(testbed.product, name))
            for _ in range(2):
                begun = testbed.run_concurrently(User.start, users)
                seconds += check_answers(testbed, begun)
                pairs = [(user, reply.run_id) for user, reply in zip(users, begun, strict=True) if reply.run_id]
                seconds += check_answers(testbed, testbed.run_concurrently(lambda pair: pair[0].abort(pair[1]), pairs), 200)
    faults.recover(testbed.product)
    facts = {"p99 while all is well": _undisturbed_p99(testbed)}
    return Outcome(len(seconds), "answers", seconds, "answer", facts)


def _undisturbed_p99(testbed: Testbed) -> str:
    (user,) = testbed.users(1)
    seconds = [user.abort(user.start().run_id).seconds for _ in range(testbed.scaled(100))]
    return f"{1000 * (percentile(seconds, 0.99) or 0):.0f} ms"
