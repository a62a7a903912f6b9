"""Web processes that die at the worst moment, and answers that get lost."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.drills import faults
from tests.drills.brokers import warm
from tests.drills.lasting import lasts
from tests.drills.load import first_good, under_load
from tests.drills.people import Person, Reply
from tests.drills.proxy import AFTER, BEFORE, Proxy
from tests.drills.registry import PLACEHOLDER, WALKING, drill
from tests.drills.results import Outcome
from tests.drills.second_web import second_web
from tests.drills.stage import Stage
from tests.support.waiting import wait_until

GROUP = "Web"


@drill("web killed between commit and publish", GROUP, PLACEHOLDER)
def killed_before_publish(stage: Stage) -> Outcome:
    """Redis is frozen so that the publish hangs, the run is committed, the web server is SIGKILLed: the reconciler
    hands every run over. Recovery is counted from the kill to the receipt; the start's own answer is lost, and with its
    key found again.
    """
    recoveries, count, early = [], 0, 0
    for number in range(stage.times(2)):
        warm(stage)
        people = stage.people(8)
        with ThreadPoolExecutor(len(people)) as pool:
            with faults.frozen(stage.product, "redis"):
                starts = [pool.submit(person.start, f"{number}") for person in people]
                ids = [person.user_id for person in people]
                wait_until(lambda: len(_runs_of(stage, ids)) == len(ids), 10, "the commits")
                killed = datetime.now(UTC)
                faults.kill(stage.product, "web")
                # Otherwise it would read, when it goes on, what had been written to its socket: that is a publish.
                faults.kill(stage.product, "redis")
            early += sum(start.result().status is not None for start in starts)
        committed = _runs_of(stage, ids)
        recoveries += stage.since(killed, committed)
        for person in people:
            if person.start_surely(f"{number}").run_id not in committed:
                stage.wrong("a key was answered with another run than the one that was committed")
        count += len(people)
    if 2 * early > count:
        stage.wrong(f"{early} of {count} starts were answered before their web server was killed, so little was shown")
    return Outcome(count, "runs", recoveries, "recovery", {"answered before the kill": early})


def _runs_of(stage: Stage, user_ids: list[int]) -> list[int]:
    return [row[0] for row in stage.product.sql("SELECT id FROM ingestion_runs WHERE user_id = ANY(%s)", user_ids)]


@drill("web workers killed under load", GROUP, WALKING)
def web_killed(stage: Stage) -> Outcome:
    """A web process is SIGKILLed every half second, at times the whole server, while 8 people start (with keys), read
    and abort: one run for each key. Recovery is counted from a kill to the next good answer.
    """
    stage.walk(units=2, pause=0.05)
    recoveries: list[float] = []
    with under_load(stage, stage.people(8)) as load, stage.outage():
        for number in range(stage.times(20, 5)):
            lasts(0.5)
            if number % 10 == 9:
                faults.kill(stage.product, "web")
            else:
                _kill_one(stage)
            recoveries.append(first_good(load, datetime.now(UTC)))
    faults.heal(stage.product)
    stage.clear_away()
    strange = {status: n for status, n in load.statuses.items() if status not in ("200", "201", "409", "none", "503")}
    if strange:
        stage.wrong(f"answers under load: {strange}")
    return Outcome(len(recoveries), "kills", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


def _kill_one(stage: Stage) -> None:
    processes = wait_until(lambda: faults.children(stage.product, "web"), 30, "a web process")
    stage.random.choice(processes).kill()


@drill("web told to stop under load", GROUP, PLACEHOLDER)
def web_stopped(stage: Stage) -> Outcome:
    """The web server is told to stop (SIGTERM) and comes back, twice, while 6 people use it: whoever was answered was
    answered truly. Requests that are being answered are answered; those that meet nobody get no connection, and no
    wrong answer. What was started is received afterwards.
    """
    recoveries: list[float] = []
    with under_load(stage, stage.people(6)) as load, stage.outage():
        for _ in range(stage.times(2)):
            lasts(1)
            faults.main_process(stage.product, "web").send_signal(signal.SIGTERM)
            refused = load.statuses["none"]
            wait_until(lambda: load.statuses["none"] > refused, 30, "a refused connection")
            recoveries.append(first_good(load, datetime.now(UTC)))
    faults.heal(stage.product)
    stage.none_left_behind()
    return Outcome(len(recoveries), "stops", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


@drill("commit outcome unknown", GROUP, PLACEHOLDER)
def commit_unknown(stage: Stage) -> Outcome:
    """The wire to PostgreSQL is cut just before a start or an abort reaches it, or just after it was committed: 503,
    and the same key finds the one run. A second web machine reaches PostgreSQL through a proxy that swallows what it is
    told to.
    """
    rounds, seconds, codes = stage.times(30, 6), [], Counter()
    with second_web(stage.product) as (proxy, port):
        stage.port = port
        for number, person in enumerate(stage.people(rounds)):
            way = (BEFORE, AFTER)[number % 2]
            with _cut(proxy, "start", way) as is_cut:
                codes[person.start("key").status] += 1
            began = time.monotonic()
            found = person.start_surely("key")
            seconds.append(time.monotonic() - began)
            if is_cut():
                _check(stage, person, way, found)
            with _cut(proxy, "abort", (BEFORE, AFTER)[number // 2 % 2]):
                codes[person.abort(found.run_id).status] += 1
            if person.abort(found.run_id).status != 200:
                stage.wrong(f"run {found.run_id} could not be aborted after its abort was cut")
    if set(codes) != {503} or proxy.cuts < rounds:
        stage.wrong(f"of {2 * rounds} requests {proxy.cuts} were cut, and the answers were {codes}")
    return Outcome(proxy.cuts, "cuts", seconds, "the run is known", {"answered 503": codes[503]})


@contextmanager
def _cut(proxy: Proxy, what: str, way: str) -> Iterator[Callable[[], bool]]:
    """Cut the wire once inside this block, if that goes over it; yields whether it was."""
    before = proxy.cuts
    proxy.cut = (what, way)
    yield lambda: proxy.cuts > before
    proxy.cut = None


def _check(stage: Stage, person: Person, way: str, found: Reply) -> None:
    expected = 201 if way == BEFORE else 200
    committed = _runs_of(stage, [person.user_id])
    if found.status != expected or committed != [found.run_id]:
        told = f"{found.status} with run {found.run_id}; there are {committed}"
        stage.wrong(f"cut {way} the commit, the same key was answered {told}")
