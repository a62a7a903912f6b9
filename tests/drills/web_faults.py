"""Web processes that are killed or stopped, and answers that are lost."""

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
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.second_web_server import second_web
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed
from tests.drills.users import Reply, User
from tests.support.waiting import wait_until

GROUP = "Web"


@drill("web killed between commit and publish", GROUP, PRODUCT)
def killed_before_publish(testbed: Testbed) -> Outcome:
    """Redis is frozen so that the publish hangs after the commit, and the web server is killed with SIGKILL: the
    reconciler publishes every run, and a retry with the same key finds it. Recovery is the time from the kill to the
    receipt.
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
                # A resumed Redis would read the publish that is already in its socket.
                faults.kill(testbed.product, "redis")
            early += sum(start.result().status is not None for start in starts)
        committed = _runs_of(testbed, ids)
        recoveries += testbed.receipt_delays(killed, committed)
        for user in users:
            if user.start_until_answered(f"{number}").run_id not in committed:
                testbed.record_violation("a key was answered with a run that it had not started")
        count += len(users)
    if 2 * early > count:
        testbed.record_violation(f"{early} of {count} starts were answered before the kill, which proves little")
    return Outcome(count, "runs", recoveries, "recovery", {"answered before the kill": early})


def _runs_of(testbed: Testbed, user_ids: list[int]) -> list[int]:
    return [row[0] for row in testbed.product.sql("SELECT id FROM ingestion_runs WHERE user_id = ANY(%s)", user_ids)]


@drill("web workers killed under load", GROUP, PRODUCT)
def web_killed(testbed: Testbed) -> Outcome:
    """A web process, at times the whole server, is killed with SIGKILL every half second, while 8 users start with
    keys, read and abort: each key gets one run. Recovery is the time from a kill to the next good answer.
    """
    recoveries: list[float] = []
    with under_load(testbed.users(8)) as load, testbed.outage():
        for number in range(testbed.scaled(20, 5)):
            sleep_for(0.5)
            if number % 10 == 9:
                faults.kill(testbed.product, "web")
            else:
                _kill_one(testbed)
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    testbed.wait_until_all_ended(90)
    allowed = ("200", "201", "409", "503", "none")
    unexpected = {status: n for status, n in load.statuses.items() if status not in allowed}
    if unexpected:
        testbed.record_violation(f"unexpected answers under load: {unexpected}")
    return Outcome(len(recoveries), "kills", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


def _kill_one(testbed: Testbed) -> None:
    processes = wait_until(lambda: faults.children(testbed.product, "web"), 30, "a web process")
    testbed.random.choice(processes).kill()


@drill("web stopped under load", GROUP, PRODUCT)
def web_stopped(testbed: Testbed) -> Outcome:
    """The web server is stopped with SIGTERM and restarted, twice, while 6 users use it: open requests get their true
    answers, later ones get no connection until the restart. The started runs are received afterwards.
    """
    recoveries: list[float] = []
    with under_load(testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(2)):
            sleep_for(1)
            faults.main_process(testbed.product, "web").send_signal(signal.SIGTERM)
            refused = load.statuses["none"]
            wait_until(lambda: load.statuses["none"] > refused, 30, "a refused connection")
            recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
    faults.recover(testbed.product)
    testbed.wait_until_all_received()
    return Outcome(len(recoveries), "stops", recoveries, "recovery", {"answers": dict(sorted(load.statuses.items()))})


@drill("commit outcome unknown", GROUP, PRODUCT)
def commit_unknown(testbed: Testbed) -> Outcome:
    """A proxy cuts the connection to PostgreSQL just before a start or an abort reaches it, or just after its commit:
    the request is answered 503, and a retry with the same key finds the one run. A second web server uses the proxy.
    """
    rounds, seconds, codes = testbed.scaled(30, 6), [], Counter()
    with second_web(testbed.product) as (proxy, port):
        testbed.port = port
        for number in range(rounds):
            (user,) = testbed.users(1, delay=6)
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
                testbed.record_violation(f"run {found.run_id} could not be aborted after the connection was cut")
    if set(codes) != {503} or proxy.cuts < rounds:
        testbed.record_violation(f"{proxy.cuts} of {2 * rounds} requests were cut, and they were answered {codes}")
    return Outcome(proxy.cuts, "cuts", seconds, "answer that names the run", {"answered 503": codes[503]})


@contextmanager
def _cut_connection(proxy: PostgresProxy, what: str, way: str) -> Iterator[Callable[[], bool]]:
    """Cut the connection once inside this block, at a matching statement. Yield a function: True after the cut."""
    before = proxy.cuts
    proxy.cut = (what, way)
    yield lambda: proxy.cuts > before
    proxy.cut = None


def _check_replay(testbed: Testbed, user: User, way: str, found: Reply) -> None:
    expected = 201 if way == BEFORE else 200
    committed = _runs_of(testbed, [user.user_id])
    if found.status != expected or committed != [found.run_id]:
        answer = f"{found.status} with run {found.run_id}, but the user has the runs {committed}"
        testbed.record_violation(f"after a cut {way} the commit, the same key was answered {answer}")
