"""Faults of Redis: runs are accepted and kept, and published afterwards."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis

from tests.drills import faults
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User
from tests.support.waiting import wait_until

GROUP = "Redis"
MAX_ANSWER_SECONDS = 3.0
"""Time limit for the answer to a start or an abort, whatever Redis does."""

MAX_POPPED = 1
"""Number of messages that a frozen worker may hold: Redis answers its waiting pop, though the worker does not read."""


def check_answers(testbed: Testbed, replies: list[Reply], status: int = 201) -> list[float]:
    """Check status and answer time of starts or aborts during a fault; return the answer times."""
    for reply in replies:
        if reply.status != status:
            testbed.record_violation(f"a start or an abort was answered {reply.status} {reply.document}")
        if reply.seconds > MAX_ANSWER_SECONDS:
            testbed.record_violation(f"an answer took {reply.seconds:.1f} s")
    return [reply.seconds for reply in replies]


def start_all(testbed: Testbed, users: list[User]) -> list[int]:
    """Start a run for each user at once; return the run ids. Every start must succeed."""
    replies = testbed.run_concurrently(User.start, users)
    for reply in replies:
        if reply.status != 201:
            answer = f"{reply.status} {reply.document} after {reply.seconds:.1f} s"
            testbed.record_violation(f"a start was answered {answer}")
    return [reply.run_id for reply in replies if reply.run_id]


def abort_all(testbed: Testbed, users: list[User], started: list[Reply]) -> list[float]:
    """Abort the started runs of all users at once; return the answer times. Every run must be aborted, or finished."""
    pairs = [(user, reply.run_id) for user, reply in zip(users, started, strict=True) if reply.run_id]
    return check_aborts(testbed, testbed.run_concurrently(lambda pair: pair[0].abort(pair[1]), pairs))


def check_aborts(testbed: Testbed, replies: list[Reply]) -> list[float]:
    """Check status and answer time of aborts; return the answer times. A run may have finished first."""
    finished = [reply for reply in replies if reply.status == 409 and reply.document["run_status"] == "finished"]
    others = [reply for reply in replies if reply not in finished]
    return check_answers(testbed, finished, 409) + check_answers(testbed, others, 200)


def warm_up(testbed: Testbed) -> None:
    """Wait until the web processes publish again, and no worker is busy."""
    testbed.wait_until_received(start_all(testbed, testbed.users(8)), 60)


def run_outage(testbed: Testbed, fault: Any, users: list[User], together: bool) -> tuple[list[float], list[float]]:
    """Start runs and abort every second one during a fault, then wait until the others are received.

    Return the answer times and the seconds from the end of the fault to each receipt.
    """
    warm_up(testbed)
    with testbed.outage():
        with fault:
            if together:
                started = testbed.run_concurrently(User.start, users)
            else:
                started = [user.start() for user in users]
            answers = check_answers(testbed, started)
            pairs = [(user, reply.run_id) for user, reply in zip(users, started, strict=True) if reply.run_id]
            ends = [user.abort(run_id) for user, run_id in pairs[::2]]
            answers += check_aborts(testbed, ends)
        restored_at = datetime.now(UTC)
        recoveries = testbed.receipt_delays(restored_at, [run_id for _, run_id in pairs[1::2]])
    return answers, recoveries


def run_outages(testbed: Testbed, times: int, fault: Callable[..., Any], count: int, together: bool) -> Outcome:
    """Run several outages of Redis, each with new users."""
    answers: list[float] = []
    recoveries: list[float] = []
    for _ in range(times):
        more = run_outage(testbed, fault(testbed.product, "redis"), testbed.users(count), together)
        answers, recoveries = answers + more[0], recoveries + more[1]
    return Outcome(times * count, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


@drill("Redis refused", GROUP, PRODUCT)
def redis_refused(testbed: Testbed) -> Outcome:
    """Redis is killed and kept down while 20 users start at once: starts and aborts are answered within 3 s, and the
    remaining runs are published after the restart.
    """
    return run_outages(testbed, testbed.scaled(1), faults.kept_down, 20, together=True)


@drill("Redis frozen, one client", GROUP, PRODUCT)
def redis_frozen(testbed: Testbed) -> Outcome:
    """Redis hangs while users start and abort, one after the other: each is answered within 3 s. The first waits for
    the timeout; the next do not.
    """
    return run_outages(testbed, testbed.scaled(2), faults.frozen, 4, together=False)


@drill("Redis frozen, 32 clients", GROUP, PRODUCT)
def redis_frozen_for_many(testbed: Testbed) -> Outcome:
    """Redis hangs while 32 users start at once: each is answered within 3 s, and the number of the web server's threads
    does not grow.
    """
    answers, recoveries, count, threads = [], [], 0, []
    # The pool creates its threads on demand: the first round creates them, and later rounds may add none.
    for _ in range(1 + testbed.scaled(1)):
        users = testbed.users(32)
        more = run_outage(testbed, faults.frozen(testbed.product, "redis"), users, together=True)
        answers, recoveries, count = answers + more[0], recoveries + more[1], count + len(users)
        threads.append(faults.count_threads(testbed.product, "web"))
    before, *_, after = threads
    if after > before + 4:
        testbed.record_violation(f"the web server had {before} threads before the outage, and {after} after it")
    facts = {"slowest answer": f"{max(answers):.2f} s", "threads": f"{before} before, {after} after"}
    return Outcome(count, "starts", recoveries, "recovery", facts)


def _all_published(testbed: Testbed, run_ids: list[int]) -> bool:
    found = "SELECT count(*) FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NOT NULL"
    return bool(testbed.product.sql(found, run_ids) == [(len(run_ids),)])


@drill("Redis flushed", GROUP, PRODUCT)
def redis_flushed(testbed: Testbed) -> Outcome:
    """50 runs wait in the queue when FLUSHALL empties it: all are received. The workers are frozen until then, and the
    messages are counted before and after.
    """
    recoveries, count, lost = [], 0, 0
    for _ in range(testbed.scaled(1)):
        users = testbed.users(50)
        with faults.frozen(testbed.product, "worker"):
            run_ids = start_all(testbed, users)
            # After a failed publish, a web process leaves publishing to the reconciler for three seconds.
            wait_until(partial(_all_published, testbed, run_ids), 30, "the publish of all")
            before, after = faults.flush_redis(testbed.product)
            flushed = datetime.now(UTC)
        # Each frozen worker may have had one pop waiting in Redis.
        if before < len(run_ids) - MAX_POPPED or after:
            counts = f"{before} of {len(run_ids)} messages before the flush, and {after} after it"
            testbed.record_violation(f"the queue held {counts}")
        lost += before - after
        recoveries += testbed.receipt_delays(flushed, run_ids)
        count += len(users)
    return Outcome(count, "queued runs", recoveries, "recovery", {"messages flushed": lost})


@drill("Redis restarted", GROUP, PRODUCT)
def redis_restarted(testbed: Testbed) -> Outcome:
    """Redis is killed and kept down for up to 5 s while users start: the workers consume again. Recovery is the time
    from the restart to the receipt of each run that was started during the outage or right after it.
    """
    recoveries, count = [], 0
    for _ in range(testbed.scaled(2)):
        users = testbed.users(6)
        with testbed.outage():
            with faults.kept_down(testbed.product, "redis"):
                replies = [user.start() for user in users[:3]]
                sleep_for(testbed.random.uniform(0, 5))
            restored_at = datetime.now(UTC)
            replies += [user.start() for user in users[3:]]
            recoveries += testbed.receipt_delays(restored_at, [reply.run_id for reply in replies if reply.run_id])
        count += len(users)
    return Outcome(count, "runs", recoveries)


@drill("Redis full, read-only, paused, corrupt", GROUP, PRODUCT)
def redis_misconfigured(testbed: Testbed) -> Outcome:
    """Redis is out of memory, a replica, paused, or has invalid data in the queue, as an operator or another program
    may cause: starts are answered within 3 s, and their runs are received afterwards.
    """
    recoveries, answers, count = [], [], 0
    # The worker exits on a message that it cannot read, and is restarted.
    testbed.expected += (b"Unrecoverable error",)
    for disturb, restore in DISTURBANCES * testbed.scaled(1):
        users = testbed.users(4)
        with testbed.outage():
            with faults.broker(testbed.product) as client:
                disturb(client)
            replies = [user.start() for user in users]
            answers += check_answers(testbed, replies)
            with faults.broker(testbed.product, 20) as client, suppress(redis.ResponseError):
                restore(client)
            restored_at = datetime.now(UTC)
            recoveries += testbed.receipt_delays(restored_at, [reply.run_id for reply in replies if reply.run_id])
        count += len(users)
    return Outcome(count, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


DISTURBANCES: list[Any] = [
    (lambda c: c.config_set("maxmemory", 1), lambda c: c.config_set("maxmemory", 0)),
    (lambda c: c.replicaof("127.0.0.1", 1), lambda c: c.replicaof("NO", "ONE")),
    (lambda c: c.execute_command("CLIENT", "PAUSE", 6000, "WRITE"), lambda c: c.client_unpause()),
    (lambda c: c.set(faults.QUEUE, "not a list"), lambda c: c.delete(faults.QUEUE)),
    (lambda c: c.lpush(faults.QUEUE, "not JSON", "{}", '{"body": "?"}', "\xff"), lambda c: None),
]


@drill("Redis connections cut", GROUP, PRODUCT)
def redis_cut(testbed: Testbed) -> Outcome:
    """Every connection to Redis is closed again and again while 6 users start and abort: each request is answered
    within 3 s. The last start of each user is not aborted, and must be received.
    """
    testbed.expected += (b"Couldn't ack",)
    users, cuts = testbed.users(6), 0
    deadline = time.monotonic() + 10 * min(1.0, testbed.scale + 0.2)
    while time.monotonic() < deadline:
        replies = testbed.run_concurrently(User.start, users)
        check_answers(testbed, replies)
        cuts += faults.cut_redis(testbed.product)
        for user, reply in zip(users, replies, strict=True):
            if reply.run_id:
                check_aborts(testbed, [user.abort(reply.run_id)])
    cuts += faults.cut_redis(testbed.product)
    began = datetime.now(UTC)
    last = [user.start() for user in users]
    delays = testbed.receipt_delays(began, [reply.run_id for reply in last if reply.run_id])
    return Outcome(cuts, "connections cut", delays)
