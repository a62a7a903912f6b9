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
from tests.drills.lasting import lasts
from tests.drills.load import Load, under_load
from tests.drills.registry import WALKING
from tests.drills.results import Drill, Outcome, percentile
from tests.drills.stage import LOST_WORKER, Stage

QUIET_SECONDS = 120
"""Within which every run has ended after the nemesis has stopped, and all is well."""

PEOPLE = 8
IN_VAIN = (psutil.Error, psycopg.Error, redis.RedisError, IndexError, AssertionError)
"""What is raised where there is nothing to be killed, frozen, flushed or cut, because it is down already."""

Deed = Callable[[Stage], Any]


def _for_a_while(name: str) -> Deed:
    def freeze(stage: Stage) -> None:
        with faults.frozen(stage.product, name):
            lasts(stage.random.uniform(0.5, 6))

    return freeze


def _kill(name: str) -> Deed:
    return lambda stage: faults.kill(stage.product, name)


def _kill_child(name: str) -> Deed:
    def kill(stage: Stage) -> None:
        stage.random.choice(faults.children(stage.product, name)).kill()

    return kill


def _stop(name: str) -> Deed:
    return lambda stage: faults.main_process(stage.product, name).send_signal(signal.SIGTERM)


def _keep_away(name: str) -> Deed:
    def keep(stage: Stage) -> None:
        with faults.away(stage.product, name):
            lasts(stage.random.uniform(0.5, 5))

    return keep


NEMESIS: dict[str, Deed] = {
    **{f"kill {name}": _kill(name) for name in ("postgres", "redis", "web", "worker", "reconciler")},
    **{f"freeze {name}": _for_a_while(name) for name in ("postgres", "redis", "web", "worker", "reconciler")},
    **{f"stop {name}": _stop(name) for name in ("redis", "web", "worker", "reconciler")},
    **{f"kill a child of {name}": _kill_child(name) for name in ("web", "worker")},
    **{f"keep {name} away": _keep_away(name) for name in ("postgres", "redis")},
    "flush Redis": lambda stage: faults.flush(stage.product),
    "cut Redis's connections": lambda stage: faults.cut_redis(stage.product),
    "end PostgreSQL's sessions": lambda stage: faults.cut_postgres(stage.product),
}


def soak(minutes: float) -> Drill:
    """The drill of that length."""
    promise = (
        f"{minutes:g} minutes with {PEOPLE} people who start with keys, read and abort, while a seeded nemesis kills,"
        f" freezes, stops, flushes and cuts at random; then quiet, and every run has ended within {QUIET_SECONDS} s."
    )
    return Drill("soak", "Soak", WALKING, promise, lambda stage: _soak(stage, 60 * minutes))


def _soak(stage: Stage, seconds: float) -> Outcome:
    stage.walk(units=3, pause=0.15)
    done, vain = Counter[str](), Counter[str]()
    stage.expected += (*LOST_WORKER, b"Couldn't ack")
    ends, began = time.monotonic() + seconds, time.monotonic()
    # What can be handed over while everything falls down at random is asked of the quiet time alone.
    stage.bound = None
    with under_load(stage, stage.people(PEOPLE), abort_share=0.4) as load:
        while time.monotonic() < ends:
            lasts(stage.random.uniform(0.2, 4))
            name = stage.random.choice(sorted(NEMESIS))
            try:
                NEMESIS[name](stage)
            except IN_VAIN:
                vain[name] += 1
            else:
                done[name] += 1
                _tell(done, began, load.statuses)
    quiet = time.monotonic()
    faults.heal(stage.product)
    well = time.monotonic() - quiet
    stage.clear_away(QUIET_SECONDS - well)
    return _figures(stage, load, (done, vain), well, time.monotonic() - quiet)


def _tell(done: Counter[str], began: float, statuses: Counter[str]) -> None:
    if done.total() % 20 == 0:
        answers = ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items()))
        print(f"    {time.monotonic() - began:4.0f} s, {done.total()} faults, answers {answers}", flush=True)


def _figures(stage: Stage, load: Load, deeds: tuple[Counter[str], Counter[str]], well: float, quiet: float) -> Outcome:
    done, vain = deeds
    statuses, seconds = load.statuses, [reply.seconds for reply in load.replies if reply.status]
    strange = {word: n for word, n in statuses.items() if word not in ("200", "201", "409", "503", "none")}
    if strange:
        stage.wrong(f"answers: {strange}")
    ends = stage.product.sql("SELECT status, count(*) FROM ingestion_runs GROUP BY status ORDER BY status")
    facts = {
        "faults": done.total(),
        "tried in vain": vain.total(),
        "requests": sum(statuses.values()),
        "answers": dict(sorted(statuses.items())),
        "runs": ", ".join(f"{status}: {n}" for status, n in ends),
        "timeline entries": stage.product.sql("SELECT count(*) FROM run_events")[0][0],
        "all well after": f"{well:.0f} s",
        "every run ended after": f"{quiet:.0f} s",
        "slowest answer": f"{percentile(seconds, 1) or 0:.1f} s",
        "nemesis": dict(sorted(done.items())),
    }
    return Outcome(sum(n for _, n in ends), "runs", seconds, "answer", facts)
