"""The whole product: several reconcilers, power cuts, a supervisor that is killed, a full disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.config import PROJECT
from tests.drills import faults
from tests.drills.brokers import started
from tests.drills.people import Person
from tests.drills.registry import NONE, PLACEHOLDER, drill
from tests.drills.results import NotRun, Outcome, Terms
from tests.drills.stage import Stage, made
from tests.support.product import Product
from tests.support.waiting import wait_until

GROUP = "The whole"
DISK_MEGABYTES = 192


@drill("three reconcilers", GROUP, PLACEHOLDER)
def three_reconcilers(stage: Stage) -> Outcome:
    """Three reconcilers find 100 runs that nobody could publish: each is published once, and received once."""
    recoveries, count, doubles = [], 0, 0
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_reconciler(stage.product))
        for _ in range(stage.times(1)):
            people = stage.people(100)
            with stage.outage(), faults.away(stage.product, "redis"):
                run_ids = started(stage, people)
            back = datetime.now(UTC)
            recoveries += stage.since(back, run_ids)
            receipts = stage.receipts()
            doubles += sum(len(receipts.get(run_id, [])) > 1 for run_id in run_ids)
            count += len(run_ids)
    if doubles:
        stage.wrong(f"{doubles} runs were published twice")
    return Outcome(count, "runs", recoveries, "recovery", {"published twice": doubles})


@contextmanager
def _reconciler(product: Product) -> Iterator[None]:
    environment = {**product.environment, "JOB_INGESTION_SUPERVISED": str(product.data_dir)}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "runs", "reconcile"],
        cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@drill("reconciler killed and frozen", GROUP, PLACEHOLDER)
def reconciler_killed(stage: Stage) -> Outcome:
    """Redis is away while people start, and the reconciler is SIGKILLed as it hands over: every run is received. It
    dies somewhere between taking, publishing and stamping.
    """
    recoveries, count = [], 0
    for _ in range(stage.times(2)):
        people = stage.people(30)
        with stage.outage():
            with faults.frozen(stage.product, "redis"):
                run_ids = started(stage, people)
            back = datetime.now(UTC)
            with suppress(AssertionError):
                wait_until(lambda: set(stage.receipts()) & set(run_ids), 20)
            faults.kill(stage.product, "reconciler")
            recoveries += stage.since(back, run_ids)
        count += len(people)
    return Outcome(count, "runs", recoveries)


@drill("power cut", GROUP, PLACEHOLDER)
def power_cut(stage: Stage) -> Outcome:
    """Every process is SIGKILLed at one instant, the supervisor and the launcher too, while 6 people start; then make
    run again: nothing acknowledged is lost. Recovery is counted from the new start to the receipt of the last run.
    """
    seconds, count = [], 0
    for _ in range(stage.times(2)):
        people = stage.people(6)
        replies = [person.start() for person in people for _ in range(2)]
        with stage.outage():
            _cut_power(stage.product)
            began = time.monotonic()
            stage.start_again()
            stage.received([reply.run_id for reply in replies if reply.status == 201], 90)
        seconds.append(time.monotonic() - began)
        faults.heal(stage.product)
        count += 1
        for person in people:
            if (active := person.current().run_id) is None:
                stage.wrong(f"user {person.user_id} has no active run after the power cut")
            else:
                person.abort(active)
    return Outcome(count, "power cuts", seconds)


def _cut_power(product: Product) -> None:
    assert product.launcher is not None
    everything = product.processes()
    for process in everything:
        with suppress(psutil.Error):
            process.kill()
    product.launcher.send_signal(signal.SIGKILL)
    product.launcher.wait(10)
    psutil.wait_procs(everything, timeout=10)


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
