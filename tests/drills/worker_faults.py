"""Workers that are killed, frozen or stopped, and duplicated messages."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from threading import Event

import psutil

from tests.drills import faults
from tests.drills.broker_faults import start_all
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import LOST_WORKER, Testbed
from tests.drills.users import User
from tests.support.waiting import wait_until

GROUP = "Workers"


@drill("worker killed before receiving", GROUP, PRODUCT)
def killed_before_receiving(testbed: Testbed) -> Outcome:
    """Workers are frozen, runs are published, and the workers are killed with SIGKILL: the next workers receive every
    run. Some messages are in the queue, others were popped and are lost with the worker.
    """
    recoveries, count = [], 0
    testbed.expected += LOST_WORKER
    for _ in range(testbed.scaled(1)):
        users = testbed.users(25)
        with faults.frozen(testbed.product, "worker"):
            run_ids = start_all(testbed, users)
            killed = datetime.now(UTC)
            faults.kill(testbed.product, "worker")
        recoveries += testbed.receipt_delays(killed, run_ids)
        count += len(users)
    return Outcome(count, "runs", recoveries)


@drill("worker killed while receiving", GROUP, PRODUCT)
def killed_while_receiving(testbed: Testbed) -> Outcome:
    """Workers are killed with SIGKILL at random while runs are published: every run is received, and a second receipt
    does no harm. Recovery is the time from the start of a run to its receipt.
    """
    recoveries, count = [], 0
    testbed.expected += LOST_WORKER
    for _ in range(testbed.scaled(2)):
        users = testbed.users(25)
        with ThreadPoolExecutor(1) as pool:
            began = datetime.now(UTC)
            starts = pool.submit(start_all, testbed, users)
            sleep_for(testbed.random.uniform(0, 0.3))
            faults.kill(testbed.product, "worker")
            run_ids = starts.result()
        recoveries += testbed.receipt_delays(began, run_ids)
        count += len(users)
    return Outcome(count, "runs", recoveries)


@drill("worker killed during a run", GROUP, PRODUCT)
def killed_during_a_run(testbed: Testbed) -> Outcome:
    """Workers, or a child alone, are killed with SIGKILL while they carry out runs. Half of the runs are aborted at
    once, and their users' next runs are received. Every other run finishes, carried on by the next worker.
    """
    recoveries, count = [], 0
    testbed.expected += LOST_WORKER
    for number in range(testbed.scaled(4)):
        users = testbed.users(4)
        runs = [(user, reply.run_id) for user in users if (reply := user.start()).run_id]
        sleep_for(testbed.random.uniform(0.2, 1.5))
        if number % 2:
            faults.kill(testbed.product, "worker")
        else:
            _kill_a_child(testbed)
        killed = datetime.now(UTC)
        for user, run_id in runs[::2]:
            user.abort(run_id)
        nexts = [reply.run_id for user, _ in runs[::2] if (reply := user.start()).run_id]
        recoveries += testbed.receipt_delays(killed, nexts)
        count += len(users)
    testbed.wait_until_all_ended(90)
    return Outcome(count, "runs", recoveries)


def _kill_a_child(testbed: Testbed) -> None:
    processes = wait_until(lambda: faults.children(testbed.product, "worker"), 30, "a process of the worker")
    testbed.random.choice(processes).kill()


@drill("frozen worker resumes", GROUP, PRODUCT)
def frozen_worker_resumes(testbed: Testbed) -> Outcome:
    """A worker is frozen during a run, the run is aborted and the next one started, and the worker is resumed: it
    writes nothing to the old run. The abort does not wait for the frozen worker.
    """
    seconds, count = [], 0
    for _ in range(testbed.scaled(3)):
        users = testbed.users(2)
        runs = [(user, reply.run_id) for user in users if (reply := user.start()).run_id]
        sleep_for(testbed.random.uniform(0.2, 1.2))
        with faults.frozen(testbed.product, "worker"):
            for user, run_id in runs:
                seconds.append(user.abort(run_id).seconds)
            for user in users:
                user.start()
        count += len(runs)
        testbed.wait_until_all_ended(90)
    return Outcome(count, "runs", seconds, "abort's answer")


@drill("same message a hundred times", GROUP, PRODUCT)
def same_message(testbed: Testbed) -> Outcome:
    """Each run's message is published 100 more times to two workers, by 10 threads at once: the run is claimed once and
    ends once.
    """
    runs, copies, seconds = testbed.scaled(8), 100, []
    with testbed.product.second_node():
        for user in testbed.users(runs):
            began = time.monotonic()
            run_id = user.start().run_id
            publish_copies = partial(publish, testbed, run_id)
            testbed.run_concurrently(publish_copies, [copies // 10] * 10)
            testbed.wait_until_all_ended()
            seconds.append(time.monotonic() - began)
            wait_until(lambda: not faults.count_queued(testbed.product), 60, "an empty queue")
    return Outcome(runs * copies, "messages", seconds, "run's end")


def publish(testbed: Testbed, run_id: int, times: int) -> None:
    """Publish the run's message several times, without recording it in the run's row."""
    celery = testbed.app.extensions["celery"]
    with testbed.app.app_context():
        for _ in range(times):
            celery.send_task("ingestion.run", (run_id,), ignore_result=True)


@drill("Redis down during a run", GROUP, PRODUCT)
def redis_down_during_a_run(testbed: Testbed) -> Outcome:
    """Redis is down for 2 s while one slot of the worker is busy and one is free: the worker survives or is restarted,
    and the run ends once. This fault ends the worker of Celery 5.7.0.
    """
    recoveries, exits, count = [], 0, 0
    for _ in range(testbed.scaled(2)):
        first, second = testbed.users(2)
        first_id = first.start().run_id
        testbed.wait_until_received([first_id])
        before = faults.main_process(testbed.product, "worker")
        with testbed.outage():
            with faults.kept_down(testbed.product, "redis"):
                sleep_for(2)
                second_id = second.start().run_id
            restored_at = datetime.now(UTC)
            recoveries += testbed.receipt_delays(restored_at, [second_id])
        testbed.wait_until_all_ended()
        exits += faults.main_process(testbed.product, "worker") != before
        count += 2
    return Outcome(count, "runs", recoveries, "recovery", {"workers that exited": exits})


@drill("rolling restart", GROUP, PRODUCT)
def rolling_restart(testbed: Testbed) -> Outcome:
    """One of two workers in turn is stopped with SIGTERM every 5 s, while 8 users start one run after the other: every
    run finishes. The measured time is from a run's start to its end.
    """
    done, users = Event(), testbed.users(8)
    with testbed.product.second_node(), ThreadPoolExecutor(8) as pool:
        loads = [pool.submit(_start_repeatedly, user, done) for user in users]
        restarts = testbed.scaled(4, 2)
        try:
            for _ in range(restarts):
                _oldest(faults.main_processes(testbed.product, "worker")).send_signal(signal.SIGTERM)
                sleep_for(5)
        finally:
            done.set()
        seconds = [each for load in loads for each in load.result()]
        testbed.wait_until_all_ended(90)
    if unfinished := testbed.product.sql("SELECT id, status FROM ingestion_runs WHERE status <> 'finished'"):
        testbed.record_violation(f"not finished: {unfinished[:5]}")
    return Outcome(len(seconds), "runs", seconds, "run's end", {"restarts": restarts})


def _oldest(processes: list[psutil.Process]) -> psutil.Process:
    return min(processes, key=lambda process: process.create_time())


def _start_repeatedly(user: User, done: Event) -> list[float]:
    seconds = []
    while not done.is_set():
        began = time.monotonic()
        run_id = user.start().run_id
        if run_id is None:
            continue
        wait_until(lambda: not _is_active(user, run_id), 90, f"the end of run {run_id}")
        seconds.append(time.monotonic() - began)
    return seconds


def _is_active(user: User, run_id: int) -> bool:
    reply = user.get_run(run_id)
    return reply.status != 200 or bool(reply.document["is_active"])
