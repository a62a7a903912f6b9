"""Redis refused, frozen, flushed, restarted, full, cut: runs are accepted and kept, and handed over afterwards."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis

from tests.drills import faults
from tests.drills.registry import PLACEHOLDER, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User
from tests.support.waiting import wait_until

GROUP = "Redis"
MAX_ANSWER_SECONDS = 3.0
"""Within which a start or an abort is answered, whatever Redis does."""

MAX_POPPED = 1
"""Messages that a frozen worker may hold: Redis answers a pop that was waiting, whoever reads it."""


def check_answers(testbed: Testbed, replies: list[Reply], status: int = 201) -> list[float]:
    """Check the answers of starts and aborts in hard times; returns how long they took."""
    for reply in replies:
        if reply.status != status:
            testbed.record_violation(f"a start or an abort was answered {reply.status} {reply.document}")
        if reply.seconds > MAX_ANSWER_SECONDS:
            testbed.record_violation(f"an answer took {reply.seconds:.1f} s")
    return [reply.seconds for reply in replies]


def start_all(testbed: Testbed, users: list[User]) -> list[int]:
    """All start at one instant, and each must succeed; returns the runs."""
    replies = testbed.run_concurrently(User.start, users)
    for reply in replies:
        if reply.status != 201:
            testbed.record_violation(f"a start was answered {reply.status} {reply.document} after {reply.seconds:.1f} s")
    return [reply.run_id for reply in replies if reply.run_id]


def warm_up(testbed: Testbed) -> None:
    """Every web process publishes by itself again, and no worker has anything left to do."""
    testbed.wait_until_received(start_all(testbed, testbed.users(8)), 60)


def run_outage(testbed: Testbed, fault: Any, users: list[User], together: bool) -> tuple[list[float], list[float]]:
    """Starts, and aborts of every second one, during a fault; then all others are received."""
    warm_up(testbed)
    with testbed.outage():
        with fault:
            begun = testbed.run_concurrently(User.start, users) if together else [user.start() for user in users]
            answers = check_answers(testbed, begun)
            pairs = [(user, reply.run_id) for user, reply in zip(users, begun, strict=True) if reply.run_id]
            ends = [user.abort(run_id) for user, run_id in pairs[::2]]
            answers += check_answers(testbed, ends, 200)
        back = datetime.now(UTC)
        recoveries = testbed.receipt_delays(back, [run_id for _, run_id in pairs[1::2]])
    return answers, recoveries


def run_outages(testbed: Testbed, times: int, fault: Callable[..., Any], count: int, together: bool) -> Outcome:
    """So many outages of Redis, each with so many users."""
    answers: list[float] = []
    recoveries: list[float] = []
    for _ in range(times):
        more = run_outage(testbed, fault(testbed.product, "redis"), testbed.users(count), together)
        answers, recoveries = answers + more[0], recoveries + more[1]
    return Outcome(times * count, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


@drill("Redis refused", GROUP, PLACEHOLDER)
def redis_refused(testbed: Testbed) -> Outcome:
    """Redis is killed and stays away: starts and aborts answer within 3 s, and what is left is handed over after its
    return. 20 users at one instant.
    """
    return run_outages(testbed, testbed.scaled(1), faults.kept_down, 20, together=True)


@drill("Redis frozen, one client", GROUP, PLACEHOLDER)
def redis_frozen(testbed: Testbed) -> Outcome:
    """Redis hangs, one user starts and aborts: each answers within 3 s. The first pays the time limit, the next are
    spared it.
    """
    return run_outages(testbed, testbed.scaled(2), faults.frozen, 4, together=False)


@drill("Redis frozen, 32 clients", GROUP, PLACEHOLDER)
def redis_frozen_for_many(testbed: Testbed) -> Outcome:
    """Redis hangs, 32 start at one instant: each answers within 3 s, and no thread is left over. Threads are counted
    before and after.
    """
    answers, recoveries, count, threads = [], [], 0, []
    # The first time brings all threads of the pool forth, which come when they are needed; the next may bring none.
    for _ in range(1 + testbed.scaled(1)):
        users = testbed.users(32)
        more = run_outage(testbed, faults.frozen(testbed.product, "redis"), users, together=True)
        answers, recoveries, count = answers + more[0], recoveries + more[1], count + len(users)
        threads.append(faults.count_threads(testbed.product, "web"))
    before, *_, after = threads
    if after > before + 4:
        testbed.record_violation(f"the web server had {before} threads before, and {after} after it")
    facts = {"slowest answer": f"{max(answers):.2f} s", "threads": f"{before} before, {after} after"}
    return Outcome(count, "starts", recoveries, "recovery", facts)


def _all_published(testbed: Testbed, run_ids: list[int]) -> bool:
    found = "SELECT count(*) FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NOT NULL"
    return bool(testbed.product.sql(found, run_ids) == [(len(run_ids),)])


@drill("Redis flushed", GROUP, PLACEHOLDER)
def redis_flushed(testbed: Testbed) -> Outcome:
    """50 runs wait in the queue when FLUSHALL empties it: all are received. The workers are frozen meanwhile, lest they
    be faster; the queue is counted before and after.
    """
    recoveries, count, lost = [], 0, 0
    for _ in range(testbed.scaled(1)):
        users = testbed.users(50)
        with faults.frozen(testbed.product, "worker"):
            run_ids = start_all(testbed, users)
            # A web server that has met a Redis which was away leaves publishing to the reconciler for three seconds.
            wait_until(partial(_all_published, testbed, run_ids), 30, "the publish of all")
            before, after = faults.flush_redis(testbed.product)
            flushed = datetime.now(UTC)
        # Of each worker one pop may have been waiting in Redis when it was frozen.
        if before < len(run_ids) - MAX_POPPED or after:
            testbed.record_violation(f"the queue held {before} of {len(run_ids)} messages before it was flushed, and {after} after")
        lost += before - after
        recoveries += testbed.receipt_delays(flushed, run_ids)
        count += len(users)
    return Outcome(count, "queued runs", recoveries, "recovery", {"messages flushed": lost})


@drill("Redis restarted", GROUP, PLACEHOLDER)
def redis_restarted(testbed: Testbed) -> Outcome:
    """Redis is killed and away for up to 5 s while workers idle and users start: workers consume again. Recovery is
    counted from Redis's return to the receipt of each run started meanwhile or right after it.
    """
    recoveries, count = [], 0
    for _ in range(testbed.scaled(2)):
        users = testbed.users(6)
        with testbed.outage():
            with faults.kept_down(testbed.product, "redis"):
                replies = [user.start() for user in users[:3]]
                sleep_for(testbed.random.uniform(0, 5))
            back = datetime.now(UTC)
            replies += [user.start() for user in users[3:]]
            recoveries += testbed.receipt_delays(back, [reply.run_id for reply in replies if reply.run_id])
        count += len(users)
    return Outcome(count, "runs", recoveries)


@drill("Redis full, read-only, strange", GROUP, PLACEHOLDER)
def redis_strange(testbed: Testbed) -> Outcome:
    """Redis is out of memory, a replica, paused, or has rubbish in our queue: starts are kept, and handed over
    afterwards. What an operator, or another program on the same Redis, may do to it.
    """
    recoveries, answers, count = [], [], 0
    # The worker ends by what it cannot read, and is started again.
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
            back = datetime.now(UTC)
            recoveries += testbed.receipt_delays(back, [reply.run_id for reply in replies if reply.run_id])
        count += len(users)
    return Outcome(count, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


DISTURBANCES: list[Any] = [
    (lambda c: c.config_set("maxmemory", 1), lambda c: c.config_set("maxmemory", 0)),
    (lambda c: c.replicaof("127.0.0.1", 1), lambda c: c.replicaof("NO", "ONE")),
    (lambda c: c.execute_command("CLIENT", "PAUSE", 6000, "WRITE"), lambda c: c.client_unpause()),
    (lambda c: c.set(faults.QUEUE, "not a list"), lambda c: c.delete(faults.QUEUE)),
    (lambda c: c.lpush(faults.QUEUE, "not JSON", "{}", '{"body": "?"}', "\xff"), lambda c: None),
]


@drill("Redis connections cut", GROUP, PLACEHOLDER)
def redis_cut(testbed: Testbed) -> Outcome:
    """Every connection to Redis is closed again and again while 6 users start and abort: all is answered, every run
    received. The last start of each is left alone, and must be received.
    """
    testbed.expected += (b"Couldn't ack",)
    users, deadline, cuts = testbed.users(6), time.monotonic() + 10 * min(1.0, testbed.scale + 0.2), 0
    while time.monotonic() < deadline:
        replies = testbed.run_concurrently(User.start, users)
        check_answers(testbed, replies)
        cuts += faults.cut_redis(testbed.product)
        for user, reply in zip(users, replies, strict=True):
            if reply.run_id:
                check_answers(testbed, [user.abort(reply.run_id)], 200)
    cuts += faults.cut_redis(testbed.product)
    begun = datetime.now(UTC)
    last = [user.start() for user in users]
    return Outcome(cuts, "connections cut", testbed.receipt_delays(begun, [each.run_id for each in last if each.run_id]))
