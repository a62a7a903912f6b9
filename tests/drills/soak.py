"""Minutes under load while a seeded nemesis does everything at random; then quiet, and every run comes to its end."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import redis

from tests.drills import faults
from tests.drills.load_generator import Load, under_load
from tests.drills.registry import SIMULATED
from tests.drills.results import Drill, Outcome, percentile
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed

QUIET_SECONDS = 120
"""Within which every run has ended after the nemesis has stopped, and all is well."""

USERS = 8
HARMLESS_ERRORS = (psutil.Error, psycopg.Error, redis.RedisError, IndexError, AssertionError)
"""What is raised where there is nothing to be killed, frozen, flushed or cut, because it is down already."""

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


NEMESIS: dict[str, Fault] = {
    **{f"kill {name}": _kill(name) for name in ("postgres", "redis", "web", "worker", "reconciler")},
    **{f"freeze {name}": _freeze(name) for name in ("postgres", "redis", "web", "worker", "reconciler")},
    **{f"stop {name}": _stop(name) for name in ("redis", "web", "worker", "reconciler")},
    **{f"kill a child of {name}": _kill_child(name) for name in ("web", "worker")},
    **{f"keep {name} away": _keep_down(name) for name in ("postgres", "redis")},
    "flush Redis": lambda testbed: faults.flush_redis(testbed.product),
    "cut Redis's connections": lambda testbed: faults.cut_redis(testbed.product),
    "end PostgreSQL's sessions": lambda testbed: faults.cut_postgres(testbed.product),
}


def soak(minutes: float) -> Drill:
    """The drill of that length."""
    promise = (
        f"{minutes:g} minutes with {USERS} users who start with keys, read and abort, while a seeded nemesis kills,"
        f" freezes, stops, flushes and cuts at random; then quiet, and every run has ended within {QUIET_SECONDS} s."
    )
    return Drill("soak", "Soak", SIMULATED, promise, lambda testbed: _soak(testbed, 60 * minutes))


def _soak(testbed: Testbed, seconds: float) -> Outcome:
    testbed.configure_worker(units=3, pause=0.15)
    done, vain = Counter[str](), Counter[str]()
    testbed.expected += (*LOST_WORKER, b"Couldn't ack")
    ends, began = time.monotonic() + seconds, time.monotonic()
    # What can be handed over while everything falls down at random is asked of the quiet time alone.
    testbed.bound = None
    with under_load(testbed, testbed.users(USERS), abort_share=0.4) as load:
        while time.monotonic() < ends:
            sleep_for(testbed.random.uniform(0.2, 4))
            name = testbed.random.choice(sorted(NEMESIS))
            try:
                NEMESIS[name](testbed)
            except HARMLESS_ERRORS:
                vain[name] += 1
            else:
                done[name] += 1
                _tell(done, began, load.statuses)
    quiet = time.monotonic()
    faults.recover(testbed.product)
    well = time.monotonic() - quiet
    testbed.end_all_runs(QUIET_SECONDS - well)
    return _figures(testbed, load, (done, vain), well, time.monotonic() - quiet)


def _tell(done: Counter[str], began: float, statuses: Counter[str]) -> None:
    if done.total() % 20 == 0:
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items()))
        print(f"    {time.monotonic() - began:4.0f} s, {done.total()} faults, answers {answers}", flush=True)


def _figures(testbed: Testbed, load: Load, deeds: tuple[Counter[str], Counter[str]], well: float, quiet: float) -> Outcome:
    done, vain = deeds
    statuses, seconds = load.statuses, [reply.seconds for reply in load.replies if reply.status]
    strange = {word: n for word, n in statuses.items() if word not in ("200", "201", "409", "503", "none")}
    if strange:
        testbed.record_violation(f"answers: {strange}")
    ends = testbed.product.sql("SELECT status, count(*) FROM ingestion_runs GROUP BY status ORDER BY status")
    facts = {
        "faults": done.total(),
        "tried in vain": vain.total(),
        "requests": sum(statuses.values()),
        "answers": dict(sorted(statuses.items())),
        "runs": ", ".join(f"{status}: {n}" for status, n in ends),
        "timeline entries": testbed.product.sql("SELECT count(*) FROM run_events")[0][0],
        "all well after": f"{well:.0f} s",
        "every run ended after": f"{quiet:.0f} s",
        "slowest answer": f"{percentile(seconds, 1) or 0:.1f} s",
        "nemesis": dict(sorted(done.items())),
    }
    return Outcome(sum(n for _, n in ends), "runs", seconds, "answer", facts)
