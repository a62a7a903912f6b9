"""The whole product: several reconcilers, power cuts, a full disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psutil

from app.config.settings import PROJECT
from app.worker.reconciler import RECONCILE_INTERVAL
from tests.drills import faults
from tests.drills.brokers import started
from tests.drills.lasting import lasts
from tests.drills.people import Person, Reply
from tests.drills.registry import NONE, PLACEHOLDER, drill
from tests.drills.results import NotRun, Outcome, Terms
from tests.drills.stage import Stage, made
from tests.support.product import Product
from tests.support.waiting import wait_until

GROUP = "The whole"
DISK_MEGABYTES = 192


@drill("three reconcilers", GROUP, PLACEHOLDER)
def three_reconcilers(stage: Stage) -> Outcome:
    """Three reconcilers find 100 runs that nobody could publish: each is published once, and received once. Each is
    aborted when it is received, before it is due again; a pass later the queue is empty.
    """
    recoveries, found, doubles = [], 0, 0
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_reconciler(stage.product))
        for _ in range(stage.times(1)):
            people = stage.people(100)
            with stage.outage(), faults.away(stage.product, "redis"):
                run_ids = started(stage, people)
            back = datetime.now(UTC)
            _abort_as_received(stage, people)
            recoveries += stage.since(back, run_ids, 1)
            # Whoever took one of them twice has published it by then, too.
            lasts(RECONCILE_INTERVAL)
            doubles += _published_twice(stage, run_ids)
            found += len(run_ids)
    return Outcome(found, "runs", recoveries, "recovery", {"published twice": doubles})


def _abort_as_received(stage: Stage, people: list[Person]) -> None:
    """Abort each one's run as soon as a worker has it: a run that stays pending would be due again after 15 s."""
    active = stage.product.sql("SELECT id, user_id FROM ingestion_runs WHERE finished_at IS NULL")
    owners = {person.user_id: person for person in people}
    left = {run_id: owners[user_id] for run_id, user_id in active}

    def all_received() -> bool:
        for run_id in left.keys() & stage.receipts().keys():
            left.pop(run_id).abort(run_id)
        return not left

    try:
        wait_until(all_received, 60)
    except AssertionError:
        stage.wrong(f"not received within 60 s: {sorted(left)[:5]}")


def _published_twice(stage: Stage, run_ids: list[int]) -> int:
    """How many of these runs were published more than once; each that was not exactly once is wrong."""
    counts = dict(stage.product.sql("SELECT id, dispatch_count FROM ingestion_runs WHERE id = ANY(%s)", run_ids))
    receipts = stage.receipts()
    times = {run_id: (counts.get(run_id), len(receipts.get(run_id, []))) for run_id in run_ids}
    for run_id, (published, received) in times.items():
        if (published, received) != (1, 1):
            stage.wrong(f"run {run_id} was published {published} times and received {received} times")
    if queued := faults.queued(stage.product):
        stage.wrong(f"{queued} messages are left in the queue")
    return sum((published or 0) > 1 or received > 1 for published, received in times.values())


@contextmanager
def _reconciler(product: Product) -> Iterator[None]:
    """One more of them inside this block; entered when it is connected to PostgreSQL."""
    environment = {**product.environment, "JOB_INGESTION_SUPERVISED": str(product.data_dir)}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "runs", "reconcile"],
        cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: psutil.Process(process.pid).net_connections("unix"), 30, "another reconciler")
        yield
    finally:
        process.terminate()
        process.wait(20)


@drill("reconciler killed and frozen", GROUP, PLACEHOLDER)
def reconciler_killed(stage: Stage) -> Outcome:
    """Redis is away while people start; the reconciler is SIGKILLed when it has taken their runs and not yet published
    them all, and every second time frozen there: every run is received. The next one takes over; for a frozen one that
    is a second reconciler.
    """
    recoveries, in_hand = [], []
    for number in range(stage.times(2, 2)):
        people = stage.people(30)
        with stage.outage(), ExitStack() as stack:
            with faults.away(stage.product, "redis"):
                run_ids = started(stage, people)
            victim = faults.main_process(stage.product, "reconciler")
            _wait_until_taken(stage, run_ids)
            stopped = datetime.now(UTC)
            if number % 2:
                victim.suspend()
                stack.callback(victim.resume)
            else:
                victim.kill()
            in_hand.append(stage.product.sql(f"SELECT count(*) {TAKEN}", run_ids)[0][0])
            if not in_hand[-1]:
                stage.wrong("the reconciler had handed over all of them before it was stopped")
            if number % 2:
                stack.enter_context(_reconciler(stage.product))
            recoveries += stage.since(stopped, run_ids)
    return Outcome(sum(in_hand), "runs in hand", recoveries, "recovery", {"rounds": len(in_hand)})


TAKEN = (
    "FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NULL"
    " AND next_dispatch_at > created_at + make_interval(secs => 5.5)"
)
"""Taken by a reconciler and not published yet: a start leaves them alone for 5 s, and no longer."""


def _wait_until_taken(stage: Stage, run_ids: list[int], seconds: float = 30) -> None:
    """Return within milliseconds of the reconciler's taking one of these runs."""
    with stage.product.connect() as connection:
        connection.autocommit = True
        statement = f"SELECT 1 {TAKEN} LIMIT 1"
        wait_until(
            lambda: connection.execute(statement, [run_ids]).fetchone(), seconds, "what a reconciler takes", pause=0.001
        )


@drill("power cut", GROUP, PLACEHOLDER)
def power_cut(stage: Stage) -> Outcome:
    """Every process is SIGKILLed at one instant, the launcher too, while 6 people start and abort;
    then make run again: nothing acknowledged is lost, and a key whose answer was lost finds its run. Recovery is
    counted from the new start to the receipt of the last run.
    """
    seconds, cut = [], 0
    for _ in range(stage.times(2)):
        people = stage.people(6)
        with ThreadPoolExecutor(len(people)) as pool:
            lives = [pool.submit(_until_cut, person) for person in people]
            lasts(stage.random.uniform(0.5, 1.5))
            dark = _cut_power(stage.product)
            ends = [life.result() for life in lives]
        cut += sum(last.began < dark <= last.ended for _, last in ends)
        began = time.monotonic()
        stage.outages.append((dark, _power_back(stage)))
        seconds.append(time.monotonic() - began)
        faults.heal(stage.product)
        for person, (key, _) in zip(people, ends, strict=True):
            person.start_surely(key)
        stage.none_left_behind()
    if not cut:
        stage.wrong("no request was open when the power was cut, so little was shown")
    return Outcome(len(seconds), "power cuts", seconds, "recovery", {"requests cut off": cut})


def _until_cut(person: Person) -> tuple[str, Reply]:
    """Start (with a key) and abort until that fails; returns the last key and the last answer."""
    for number in count():
        key = f"cut-{number}"
        reply = person.start(key)
        if reply.status == 201:
            reply = person.abort(reply.run_id)
        if reply.status not in (200, 201):
            return key, reply
    raise AssertionError


def _power_back(stage: Stage) -> datetime:
    """Start the product, and wait until all is received that is pending; returns when."""
    stage.start_again()
    stage.none_left_behind()
    return datetime.now(UTC)


def _cut_power(product: Product) -> datetime:
    """Kill all; returns the moment before which everything lived."""
    assert product.launcher is not None
    everything = product.processes()
    dark = datetime.now(UTC)
    for process in everything:
        # Not by psutil, which looks at each first: meanwhile those that live would answer for the dead.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    product.launcher.send_signal(signal.SIGKILL)
    product.launcher.wait(10)
    psutil.wait_procs(everything, timeout=10)
    return dark


@drill("disk full", GROUP, NONE)
def disk_full(terms: Terms) -> Outcome:
    """The disk of the data folder is full while people start and abort: results or 503, and all goes on when there is
    room again. A data folder on a small tmpfs, which is filled to the last byte.
    """
    with _small_disk() as folder, made(Product, folder / "data") as product:
        product.start()
        stage = Stage(product, terms.scale)
        stage.begin(terms.seed)
        # Redis cannot write either; a worker ends by that, and is started again.
        stage.expected += (b"Unrecoverable error",)
        outcome = _fill(stage, folder)
        outcome.violations = stage.verdict()
        return outcome


def _fill(stage: Stage, disk: Path) -> Outcome:
    recoveries, statuses = [], []
    for _ in range(stage.times(1)):
        people = stage.people(4)
        begun = [(person, person.start().run_id) for person in people]
        with stage.outage():
            with _filled(disk):
                statuses += [person.abort(run_id).status for person, run_id in begun]
                ends = time.monotonic() + 15
                while time.monotonic() < ends:
                    for person in people:
                        statuses += [reply.status for reply in _everything(person)]
            began = time.monotonic()
            wait_until(lambda: stage.product.health() == "ok", 90, "recovery")
            recoveries.append(time.monotonic() - began)
            last = [person.current().run_id or person.start().run_id for person in people]
            stage.received([run_id for run_id in last if run_id], 60)
    strange = {status for status in statuses if status not in (200, 201, 409, 503)}
    if strange:
        stage.wrong(f"answers on a full disk: {strange}")
    return Outcome(len(statuses), "answers", recoveries, "recovery", {"503": statuses.count(503)})


def _everything(person: Person) -> list:
    replies = [person.current(), person.start()]
    if (run_id := replies[-1].run_id) is not None:
        replies += [person.look(run_id), person.abort(run_id)]
    return replies


@contextmanager
def _small_disk() -> Iterator[Path]:
    folder = Path(f"/tmp/ji-disk-{os.getpid()}")
    folder.mkdir(mode=0o711)
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=711", "tmpfs", str(folder)]
        try:
            mounted = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            raise NotRun(f"mount cannot be run ({error.strerror})") from error
        if mounted.returncode:
            raise NotRun(f"a tmpfs may not be mounted here ({mounted.stderr.strip()})")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Not a byte is left inside this block."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as output, suppress(OSError):
            while True:
                output.write(bytes(65536))
        with ballast.open("ab", buffering=0) as output, suppress(OSError):
            while True:
                output.write(bytes(64))
        yield
    finally:
        ballast.unlink()
