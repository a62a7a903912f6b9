"""Redis refused, frozen, flushed, restarted, full, cut: runs are accepted and kept, and handed over afterwards."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis

from tests.drills import faults
from tests.drills.lasting import lasts
from tests.drills.people import Person, Reply
from tests.drills.registry import PLACEHOLDER, drill
from tests.drills.results import Outcome
from tests.drills.stage import Stage
from tests.support.waiting import wait_until

GROUP = "Redis"
BUDGET_SECONDS = 3.0
"""Within which a start or an abort is answered, whatever Redis does."""

POPPED = 1
"""Messages that a frozen worker may hold: Redis answers a pop that was waiting, whoever reads it."""


def in_budget(stage: Stage, replies: list[Reply], status: int = 201) -> list[float]:
    """Check the answers of starts and aborts in hard times; returns how long they took."""
    for reply in replies:
        if reply.status != status:
            stage.wrong(f"a start or an abort was answered {reply.status} {reply.document}")
        if reply.seconds > BUDGET_SECONDS:
            stage.wrong(f"an answer took {reply.seconds:.1f} s")
    return [reply.seconds for reply in replies]


def started(stage: Stage, people: list[Person]) -> list[int]:
    """All start at one instant, and each must succeed; returns the runs."""
    replies = stage.crowd(Person.start, people)
    for reply in replies:
        if reply.status != 201:
            stage.wrong(f"a start was answered {reply.status} {reply.document} after {reply.seconds:.1f} s")
    return [reply.run_id for reply in replies if reply.run_id]


def warm(stage: Stage) -> None:
    """Every web process publishes by itself again, and no worker has anything left to do."""
    stage.received(started(stage, stage.people(8)), 60)


def outage_of_redis(stage: Stage, fault: Any, people: list[Person], together: bool) -> tuple[list[float], list[float]]:
    """Starts, and aborts of every second one, during a fault; then all others are received."""
    warm(stage)
    with stage.outage():
        with fault:
            begun = stage.crowd(Person.start, people) if together else [person.start() for person in people]
            answers = in_budget(stage, begun)
            pairs = [(person, reply.run_id) for person, reply in zip(people, begun, strict=True) if reply.run_id]
            ends = [person.abort(run_id) for person, run_id in pairs[::2]]
            answers += in_budget(stage, ends, 200)
        back = datetime.now(UTC)
        recoveries = stage.since(back, [run_id for _, run_id in pairs[1::2]])
    return answers, recoveries


def outages(stage: Stage, times: int, fault: Callable[..., Any], persons: int, together: bool) -> Outcome:
    """So many outages of Redis, each with so many people."""
    answers: list[float] = []
    recoveries: list[float] = []
    for _ in range(times):
        more = outage_of_redis(stage, fault(stage.product, "redis"), stage.people(persons), together)
        answers, recoveries = answers + more[0], recoveries + more[1]
    return Outcome(times * persons, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


@drill("Redis refused", GROUP, PLACEHOLDER)
def redis_refused(stage: Stage) -> Outcome:
    """Redis is killed and stays away: starts and aborts answer within 3 s, and what is left is handed over after its
    return. 20 people at one instant.
    """
    return outages(stage, stage.times(1), faults.away, 20, together=True)


@drill("Redis frozen, one client", GROUP, PLACEHOLDER)
def redis_frozen(stage: Stage) -> Outcome:
    """Redis hangs, one person starts and aborts: each answers within 3 s. The first pays the time limit, the next are
    spared it.
    """
    return outages(stage, stage.times(2), faults.frozen, 4, together=False)


@drill("Redis frozen, 32 clients", GROUP, PLACEHOLDER)
def redis_frozen_for_many(stage: Stage) -> Outcome:
    """Redis hangs, 32 start at one instant: each answers within 3 s, and no thread is left over. Threads are counted
    before and after.
    """
    answers, recoveries, count, threads = [], [], 0, []
    # The first time brings all threads of the pool forth, which come when they are needed; the next may bring none.
    for _ in range(1 + stage.times(1)):
        people = stage.people(32)
        more = outage_of_redis(stage, faults.frozen(stage.product, "redis"), people, together=True)
        answers, recoveries, count = answers + more[0], recoveries + more[1], count + len(people)
        threads.append(faults.threads(stage.product, "web"))
    before, *_, after = threads
    if after > before + 4:
        stage.wrong(f"the web server had {before} threads before, and {after} after it")
    facts = {"slowest answer": f"{max(answers):.2f} s", "threads": f"{before} before, {after} after"}
    return Outcome(count, "starts", recoveries, "recovery", facts)


def _all_published(stage: Stage, run_ids: list[int]) -> bool:
    found = "SELECT count(*) FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NOT NULL"
    return bool(stage.product.sql(found, run_ids) == [(len(run_ids),)])


@drill("Redis flushed", GROUP, PLACEHOLDER)
def redis_flushed(stage: Stage) -> Outcome:
    """50 runs wait in the queue when FLUSHALL empties it: all are received. The workers are frozen meanwhile, lest they
    be faster; the queue is counted before and after.
    """
    recoveries, count, lost = [], 0, 0
    for _ in range(stage.times(1)):
        people = stage.people(50)
        with faults.frozen(stage.product, "worker"):
            run_ids = started(stage, people)
            # A web server that has met a Redis which was away leaves publishing to the reconciler for three seconds.
            wait_until(partial(_all_published, stage, run_ids), 30, "the publish of all")
            before, after = faults.flush(stage.product)
            flushed = datetime.now(UTC)
        # Of each worker one pop may have been waiting in Redis when it was frozen.
        if before < len(run_ids) - POPPED or after:
            stage.wrong(f"the queue held {before} of {len(run_ids)} messages before it was flushed, and {after} after")
        lost += before - after
        recoveries += stage.since(flushed, run_ids)
        count += len(people)
    return Outcome(count, "queued runs", recoveries, "recovery", {"messages flushed": lost})


@drill("Redis restarted", GROUP, PLACEHOLDER)
def redis_restarted(stage: Stage) -> Outcome:
    """Redis is killed and away for up to 5 s while workers idle and people start: workers consume again. Recovery is
    counted from Redis's return to the receipt of each run started meanwhile or right after it.
    """
    recoveries, count = [], 0
    for _ in range(stage.times(2)):
        people = stage.people(6)
        with stage.outage():
            with faults.away(stage.product, "redis"):
                replies = [person.start() for person in people[:3]]
                lasts(stage.random.uniform(0, 5))
            back = datetime.now(UTC)
            replies += [person.start() for person in people[3:]]
            recoveries += stage.since(back, [reply.run_id for reply in replies if reply.run_id])
        count += len(people)
    return Outcome(count, "runs", recoveries)


@drill("Redis full, read-only, strange", GROUP, PLACEHOLDER)
def redis_strange(stage: Stage) -> Outcome:
    """Redis is out of memory, a replica, paused, or has rubbish in our queue: starts are kept, and handed over
    afterwards. What an operator, or another program on the same Redis, may do to it.
    """
    recoveries, answers, count = [], [], 0
    # The worker ends by what it cannot read, and is started again.
    stage.expected += (b"Unrecoverable error",)
    for disturb, restore in STRANGE * stage.times(1):
        people = stage.people(4)
        with stage.outage():
            with faults.broker(stage.product) as client:
                disturb(client)
            replies = [person.start() for person in people]
            answers += in_budget(stage, replies)
            with faults.broker(stage.product, 20) as client, suppress(redis.ResponseError):
                restore(client)
            back = datetime.now(UTC)
            recoveries += stage.since(back, [reply.run_id for reply in replies if reply.run_id])
        count += len(people)
    return Outcome(count, "starts", recoveries, "recovery", {"slowest answer": f"{max(answers):.2f} s"})


STRANGE: list[Any] = [
    (lambda c: c.config_set("maxmemory", 1), lambda c: c.config_set("maxmemory", 0)),
    (lambda c: c.replicaof("127.0.0.1", 1), lambda c: c.replicaof("NO", "ONE")),
    (lambda c: c.execute_command("CLIENT", "PAUSE", 6000, "WRITE"), lambda c: c.client_unpause()),
    (lambda c: c.set(faults.QUEUE, "not a list"), lambda c: c.delete(faults.QUEUE)),
    (lambda c: c.lpush(faults.QUEUE, "not JSON", "{}", '{"body": "?"}', "\xff"), lambda c: None),
]


@drill("Redis connections cut", GROUP, PLACEHOLDER)
def redis_cut(stage: Stage) -> Outcome:
    """Every connection to Redis is closed again and again while 6 people start and abort: all is answered, every run
    received. The last start of each is left alone, and must be received.
    """
    stage.expected += (b"Couldn't ack",)
    people, deadline, cuts = stage.people(6), time.monotonic() + 10 * min(1.0, stage.scale + 0.2), 0
    while time.monotonic() < deadline:
        replies = stage.crowd(Person.start, people)
        in_budget(stage, replies)
        cuts += faults.cut_redis(stage.product)
        for person, reply in zip(people, replies, strict=True):
            if reply.run_id:
                in_budget(stage, [person.abort(reply.run_id)], 200)
    cuts += faults.cut_redis(stage.product)
    begun = datetime.now(UTC)
    last = [person.start() for person in people]
    return Outcome(cuts, "connections cut", stage.since(begun, [each.run_id for each in last if each.run_id]))
