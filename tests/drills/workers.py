"""Workers that are killed, frozen, stopped; messages that come twice."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import psutil

from tests.drills import faults
from tests.drills.brokers import started
from tests.drills.lasting import lasts
from tests.drills.people import Person
from tests.drills.registry import PLACEHOLDER, WALKING, drill
from tests.drills.results import Outcome
from tests.drills.stage import LOST_WORKER, Stage
from tests.support.waiting import wait_until

GROUP = "Workers"


@drill("worker killed before receiving", GROUP, PLACEHOLDER)
def killed_before_receiving(stage: Stage) -> Outcome:
    """Workers are frozen, runs are published to them, then they are SIGKILLed: the next ones receive every run. Some
    messages are in the queue, some were popped and die with the worker.
    """
    recoveries, count = [], 0
    stage.expected += LOST_WORKER
    for _ in range(stage.times(1)):
        people = stage.people(25)
        with faults.frozen(stage.product, "worker"):
            run_ids = started(stage, people)
            killed = datetime.now(UTC)
            faults.kill(stage.product, "worker")
        recoveries += stage.since(killed, run_ids)
        count += len(people)
    return Outcome(count, "runs", recoveries)


@drill("worker killed while receiving", GROUP, PLACEHOLDER)
def killed_while_receiving(stage: Stage) -> Outcome:
    """Workers are SIGKILLed at random instants while runs are published: every run is received, twice does no harm.
    Recovery is counted from the start of a run to its receipt.
    """
    recoveries, count = [], 0
    stage.expected += LOST_WORKER
    for _ in range(stage.times(2)):
        people = stage.people(25)
        with ThreadPoolExecutor(1) as pool:
            began = datetime.now(UTC)
            starts = pool.submit(started, stage, people)
            lasts(stage.random.uniform(0, 0.3))
            faults.kill(stage.product, "worker")
            run_ids = starts.result()
        recoveries += stage.since(began, run_ids)
        count += len(people)
    return Outcome(count, "runs", recoveries)


@drill("worker killed in mid-run", GROUP, WALKING)
def killed_in_mid_run(stage: Stage) -> Outcome:
    """SIGKILL of workers, or of a child alone, with runs in their hands: no run is worked on twice, an abort frees the
    user at once, the next run is taken through. What was claimed stays where it was: taking it over is the part of the
    work that takes the placeholder's place.
    """
    recoveries, count = [], 0
    stage.expected += LOST_WORKER
    for number in range(stage.times(4)):
        stage.walk(units=4, pause=0.6)
        people = stage.people(4)
        runs = [(person, reply.run_id) for person in people if (reply := person.start()).run_id]
        lasts(stage.random.uniform(0.2, 1.5))
        if number % 2:
            faults.kill(stage.product, "worker")
        else:
            _kill_a_child(stage)
        killed = datetime.now(UTC)
        for person, run_id in runs:
            if person.look(run_id).document["is_active"]:
                person.abort(run_id)
        stage.walk(units=1)
        nexts = [reply.run_id for person in people if (reply := person.start()).run_id]
        recoveries += stage.since(killed, nexts)
        count += len(people)
    stage.ended()
    stage.no_posting_after_the_end()
    return Outcome(count, "runs", recoveries)


def _kill_a_child(stage: Stage) -> None:
    processes = wait_until(lambda: faults.children(stage.product, "worker"), 30, "a process of the worker")
    stage.random.choice(processes).kill()


@drill("frozen worker wakes up", GROUP, WALKING)
def frozen_worker_wakes(stage: Stage) -> Outcome:
    """A worker is frozen in mid-run, the run is aborted and the next one started, the worker wakes: it writes nothing
    to the old run. The abort is answered at once, whoever sleeps on the run.
    """
    seconds, count = [], 0
    for _ in range(stage.times(3)):
        stage.walk(units=4, pause=0.4)
        people = stage.people(2)
        runs = [(person, reply.run_id) for person in people if (reply := person.start()).run_id]
        lasts(stage.random.uniform(0.2, 1.2))
        with faults.frozen(stage.product, "worker"):
            for person, run_id in runs:
                seconds.append(person.abort(run_id).seconds)
            for person in people:
                person.start()
        count += len(runs)
        stage.ended(90)
    stage.no_posting_after_the_end()
    return Outcome(count, "runs", seconds, "abort's answer")


@drill("same message a hundred times", GROUP, WALKING)
def same_message(stage: Stage) -> Outcome:
    """Each run's message is published 100 more times, by 10 threads at one instant, to two workers: one claim, and the
    run ends once. The messages are the product's own, as the reconciler publishes them.
    """
    stage.walk(units=2, pause=0.01)
    runs, copies, seconds = stage.times(8), 100, []
    with stage.product.second_worker():
        for person in stage.people(runs):
            began = time.monotonic()
            run_id = person.start().run_id
            stage.crowd(lambda number, run_id=run_id: publish(stage, [run_id] * number), [copies // 10] * 10)
            stage.ended()
            seconds.append(time.monotonic() - began)
    return Outcome(runs * copies, "messages", seconds, "run's end")


def publish(stage: Stage, run_ids: list[int]) -> None:
    """Publish the message of each, behind the product's back."""
    task = stage.app.extensions["celery"].tasks["ingestion.run"]
    with stage.app.app_context():
        for run_id in run_ids:
            task.apply_async((run_id,))


@drill("Redis away while a worker works", GROUP, WALKING)
def redis_away_while_working(stage: Stage) -> Outcome:
    """Redis is killed for 2 s while one slot is busy and one is free: the worker lives or is started again, the run
    ends once. The fault that ends the worker of Celery 5.7.0.
    """
    recoveries, exits, count = [], 0, 0
    for _ in range(stage.times(2)):
        stage.walk(units=4, pause=1.0)
        first, second = stage.people(2)
        first_id = first.start().run_id
        stage.received([first_id])
        before = faults.main_process(stage.product, "worker")
        with stage.outage():
            with faults.away(stage.product, "redis"):
                lasts(2)
                second_id = second.start().run_id
            back = datetime.now(UTC)
            recoveries += stage.since(back, [second_id])
        stage.ended()
        exits += faults.main_process(stage.product, "worker") != before
        count += 2
    return Outcome(count, "runs", recoveries, "recovery", {"workers that ended": exits})


@drill("rolling restart", GROUP, WALKING)
def rolling_restart(stage: Stage) -> Outcome:
    """Of two workers one is told to stop (SIGTERM) every 5 s, in turn, while 8 people start one run after the other:
    every run reaches its end. Measured is a run from its start to its end.
    """
    stage.walk(units=3, pause=0.1)
    done, people = Event(), stage.people(8)
    with stage.product.second_worker(), ThreadPoolExecutor(8) as pool:
        loads = [pool.submit(_one_after_the_other, person, done) for person in people]
        restarts = stage.times(4, 2)
        try:
            for _ in range(restarts):
                _oldest(faults.main_processes(stage.product, "worker")).send_signal(signal.SIGTERM)
                lasts(5)
        finally:
            done.set()
        seconds = [each for load in loads for each in load.result()]
        stage.ended(90)
    if unfinished := stage.product.sql("SELECT id, status FROM ingestion_runs WHERE status <> 'finished'"):
        stage.wrong(f"not finished: {unfinished[:5]}")
    return Outcome(len(seconds), "runs", seconds, "run's end", {"restarts": restarts})


def _oldest(processes: list[psutil.Process]) -> psutil.Process:
    return min(processes, key=lambda process: process.create_time())


def _one_after_the_other(person: Person, done: Event) -> list[float]:
    seconds = []
    while not done.is_set():
        began = time.monotonic()
        run_id = person.start().run_id
        if run_id is None:
            continue
        wait_until(lambda: not _is_active(person, run_id), 90, f"the end of run {run_id}")
        seconds.append(time.monotonic() - began)
    return seconds


def _is_active(person: Person, run_id: int) -> bool:
    reply = person.look(run_id)
    return reply.status != 200 or bool(reply.document["is_active"])
