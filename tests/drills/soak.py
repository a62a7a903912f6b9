"""The soak test: minutes under load while a seeded nemesis injects faults; then every run must end."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import redis

from tests.drills import faults
from tests.drills.load_generator import LoadRecorder, under_load
from tests.drills.registry import PRODUCT
from tests.drills.results import Drill, Outcome, percentile
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed

MAX_RECOVERY_SECONDS = 120
"""Time limit for every run to end after the last fault."""

USERS = 8
HARMLESS_ERRORS = (psutil.Error, psycopg.Error, redis.RedisError, IndexError, AssertionError)
"""Errors of a fault whose target is already down."""

Fault = Callable[[Testbed], Any]


def _freeze(name: str) -> Fault:
    def freeze(testbed: Testbed) -> None:
        with faults.frozen(testbed.product, name):
            sleep_for(testbed.random.uniform(0.5, 6))

    return freeze


def _kill(name: str) -> Fault:
    return lambda testbed: faults.kill(testbed.product, name)


def _kill_child(name: str) -> Fault:
    def kill(testbed: Testbed) -> None:
        testbed.random.choice(faults.children(testbed.product, name)).kill()

    return kill


def _stop(name: str) -> Fault:
    return lambda testbed: faults.main_process(testbed.product, name).send_signal(signal.SIGTERM)


def _keep_down(name: str) -> Fault:
    def keep(testbed: Testbed) -> None:
        with faults.kept_down(testbed.product, name):
            sleep_for(testbed.random.uniform(0.5, 5))

    return keep


STOPPABLE = ("redis", "web", "worker", "previewer", "reader", "reconciler")

NEMESIS: dict[str, Fault] = {
    **{f"kill {name}": _kill(name) for name in ("postgres", *STOPPABLE)},
    **{f"freeze {name}": _freeze(name) for name in ("postgres", *STOPPABLE)},
    **{f"stop {name}": _stop(name) for name in STOPPABLE},
    **{f"kill a child of {name}": _kill_child(name) for name in ("web", "worker", "previewer", "reader")},
    **{f"keep {name} down": _keep_down(name) for name in ("postgres", "redis")},
    "flush Redis": lambda testbed: faults.flush_redis(testbed.product),
    "cut Redis's connections": lambda testbed: faults.cut_redis(testbed.product),
    "end PostgreSQL's sessions": lambda testbed: faults.cut_postgres(testbed.product),
}


def soak(minutes: float) -> Drill:
    """Return the soak drill of that length."""
    promise = (
        f"{USERS} users start with keys, read and abort for {minutes:g} minutes, while a seeded nemesis kills, freezes,"
        f" stops, flushes and cuts at random. Then every run ends within {MAX_RECOVERY_SECONDS} s."
    )
    return Drill("soak", "Soak", PRODUCT, promise, lambda testbed: _soak(testbed, 60 * minutes))


def _soak(testbed: Testbed, seconds: float) -> Outcome:
    injected, missed = Counter[str](), Counter[str]()
    testbed.expected += (*LOST_WORKER, b"Couldn't ack", b"Unrecoverable error")
    ends, began = time.monotonic() + seconds, time.monotonic()
    # Under random faults MAX_WAIT_SECONDS cannot hold. MAX_RECOVERY_SECONDS after the last fault replaces it.
    testbed.max_wait = None
    with under_load(testbed.users(USERS), abort_share=0.4) as load:
        while time.monotonic() < ends:
            sleep_for(testbed.random.uniform(0.2, 4))
            name = testbed.random.choice(sorted(NEMESIS))
            try:
                NEMESIS[name](testbed)
            except HARMLESS_ERRORS:
                missed[name] += 1
            else:
                injected[name] += 1
                _print_progress(injected, began, load.statuses)
    quiet = time.monotonic()
    faults.recover(testbed.product)
    healthy_after = time.monotonic() - quiet
    testbed.wait_until_all_ended(MAX_RECOVERY_SECONDS - healthy_after)
    return _figures(testbed, load, (injected, missed), healthy_after, time.monotonic() - quiet)


def _print_progress(injected: Counter[str], began: float, statuses: Counter[str]) -> None:
    if injected.total() % 20 == 0:
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items()))
        print(f"    {time.monotonic() - began:4.0f} s, {injected.total()} faults, answers {answers}", flush=True)


def _figures(
    testbed: Testbed,
    load: LoadRecorder,
    counts: tuple[Counter[str], Counter[str]],
    healthy_after: float,
    ended_after: float,
) -> Outcome:
    injected, missed = counts
    statuses, seconds = load.statuses, [reply.seconds for reply in load.replies if reply.status]
    unexpected = {status: n for status, n in statuses.items() if status not in ("200", "201", "409", "503", "none")}
    if unexpected:
        testbed.record_violation(f"unexpected answers: {unexpected}")
    ends = testbed.product.sql("SELECT status, count(*) FROM ingestion_runs GROUP BY status ORDER BY status")
    facts = {
        "faults": injected.total(),
        "faults without a target": missed.total(),
        "requests": sum(statuses.values()),
        "answers": dict(sorted(statuses.items())),
        "runs": ", ".join(f"{status}: {n}" for status, n in ends),
        "timeline entries": testbed.product.sql("SELECT count(*) FROM run_events")[0][0],
        "/readyz ok after": f"{healthy_after:.0f} s",
        "every run ended after": f"{ended_after:.0f} s",
        "slowest answer": f"{percentile(seconds, 1) or 0:.1f} s",
        "nemesis": dict(sorted(injected.items())),
    }
    return Outcome(sum(n for _, n in ends), "runs", seconds, "answer", facts)
