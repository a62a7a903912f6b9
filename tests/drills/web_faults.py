"""Web processes that die at the worst moment, and answers that get lost."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.drills import faults
from tests.drills.broker_faults import warm_up
from tests.drills.load_generator import under_load, wait_for_good_answer
from tests.drills.postgres_proxy import AFTER, BEFORE, PostgresProxy
from tests.drills.registry import PLACEHOLDER, SIMULATED, drill
from tests.drills.results import Outcome
from tests.drills.second_web_server import second_web
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User
from tests.support.waiting import wait_until

GROUP = "Web"


@drill("web killed between commit and publish", GROUP, PLACEHOLDER)
def killed_before_publish(testbed: Testbed) -> Outcome:
    """Redis is frozen so that the publish hangs, the run is committed, the web server is SIGKILLed: the reconciler
    hands every run over. Recovery is counted from the kill to the receipt; the start's own answer is lost, and with its
    key found again.
    """
    recoveries, count, early = [], 0, 0
    for number in range(testbed.scaled(2)):
        warm_up(testbed)
        users = testbed.users(8)
        with ThreadPoolExecutor(len(users)) as pool:
            with faults.frozen(testbed.product, "redis"):
                starts = [pool.submit(user.start, f"{number}") for user in users]
                ids = [user.user_id for user in users]
                wait_until(lambda: len(_runs_of(testbed, ids)) == len(ids), 10, "the commits")
                killed = datetime.now(UTC)
                faults.kill(testbed.product, "web")
                # Otherwise it would read, when it goes on, what had been written to its socket: that is a publish.
                faults.kill(testbed.product, "redis")
            early += sum(start.result().status is not None for start in starts)
        committed = _runs_of(testbed, ids)
        recoveries += testbed.receipt_delays(killed, committed)
        for user in users:
            if user.start_until_answered(f"{number}").run_id not in committed:
                testbed.record_violation("a key was answered with another run than the one that was committed")
        count += len(users)
    if 2 * early > count:
        testbed.record_violation(f"{early} of {count} starts were answered before their web server was killed, so little was shown")
    return Outcome(count, "runs", recoveries, "recovery", {"answered before the kill": early})


def _runs_of(testbed: Testbed, user_ids: list[int]) -> list[int]:
    return [row[0] for row in testbed.product.sql("SELECT id FROM ingestion_runs WHERE user_id = ANY(%s)", user_ids)]


@drill("web workers killed under load", GROUP, SIMULATED)
def web_killed(testbed: Testbed) -> Outcome:
    """A web process is SIGKILLed every half second, at times the whole server, while 8 users start (with keys), read
    and abort: one run for each key. Recovery is counted from a kill to the next good answer.
    """
    testbed.configure_worker(units=2, pause=0.05)
    recoveries: list[float] = []
    with under_load(testbed, testbed.users(8)) as load, testbed.outage():
        for number in range(testbed.scaled(20, 5)):
            sleep_for(0.5)
            if number % 10 == 9:
                faults.kill(testbed.product, "web")
            else:
                _kill_one(testbed)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    testbed.end_all_runs()
    strange = {status: n for status, n in load.statuses.items() if status not in ("200", "201", "409", "none", "503")}
    if strange:
        testbed.record_violation(f"answers under load: {strange}")
    return Outcome(len(recoveries), "kills", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


def _kill_one(testbed: Testbed) -> None:
    processes = wait_until(lambda: faults.children(testbed.product, "web"), 30, "a web process")
    testbed.random.choice(processes).kill()


@drill("web told to stop under load", GROUP, PLACEHOLDER)
def web_stopped(testbed: Testbed) -> Outcome:
    """The web server is told to stop (SIGTERM) and comes back, twice, while 6 users use it: whoever was answered was
    answered truly. Requests that are being answered are answered; those that meet nobody get no connection, and no
    wrong answer. What was started is received afterwards.
    """
    recoveries: list[float] = []
    with under_load(testbed, testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(2)):
            sleep_for(1)
            faults.main_process(testbed.product, "web").send_signal(signal.SIGTERM)
            refused = load.statuses["none"]
            wait_until(lambda: load.statuses["none"] > refused, 30, "a refused connection")
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    testbed.wait_until_all_received()
    return Outcome(len(recoveries), "stops", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


@drill("commit outcome unknown", GROUP, PLACEHOLDER)
def commit_unknown(testbed: Testbed) -> Outcome:
    """The wire to PostgreSQL is cut just before a start or an abort reaches it, or just after it was committed: 503,
    and the same key finds the one run. A second web machine reaches PostgreSQL through a proxy that swallows what it is
    told to.
    """
    rounds, seconds, codes = testbed.scaled(30, 6), [], Counter()
    with second_web(testbed.product) as (proxy, port):
        testbed.port = port
        for number, user in enumerate(testbed.users(rounds)):
            way = (BEFORE, AFTER)[number % 2]
            with _cut_connection(proxy, "start", way) as is_cut:
                codes[user.start("key").status] += 1
            began = time.monotonic()
            found = user.start_until_answered("key")
            seconds.append(time.monotonic() - began)
            if is_cut():
                _check_replay(testbed, user, way, found)
            with _cut_connection(proxy, "abort", (BEFORE, AFTER)[number // 2 % 2]):
                codes[user.abort(found.run_id).status] += 1
            if user.abort(found.run_id).status != 200:
                testbed.record_violation(f"run {found.run_id} could not be aborted after its abort was cut")
    if set(codes) != {503} or proxy.cuts < rounds:
        testbed.record_violation(f"of {2 * rounds} requests {proxy.cuts} were cut, and the answers were {codes}")
    return Outcome(proxy.cuts, "cuts", seconds, "the run is known", {"answered 503": codes[503]})


@contextmanager
def _cut_connection(proxy: PostgresProxy, what: str, way: str) -> Iterator[Callable[[], bool]]:
    """Cut the wire once inside this block, if that goes over it; yields whether it was."""
    before = proxy.cuts
    proxy.cut = (what, way)
    yield lambda: proxy.cuts > before
    proxy.cut = None


def _check_replay(testbed: Testbed, user: User, way: str, found: Reply) -> None:
    expected = 201 if way == BEFORE else 200
    committed = _runs_of(testbed, [user.user_id])
    if found.status != expected or committed != [found.run_id]:
        told = f"{found.status} with run {found.run_id}; there are {committed}"
        testbed.record_violation(f"cut {way} the commit, the same key was answered {told}")
