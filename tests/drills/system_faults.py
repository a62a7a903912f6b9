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
from app.worker.reconciler import INTERVAL_SECONDS
from tests.drills import faults
from tests.drills.broker_faults import start_all
from tests.drills.registry import NONE, PLACEHOLDER, drill
from tests.drills.results import CannotRun, DrillOptions, Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed, create_product
from tests.drills.users import Reply, User
from tests.support.product import Product
from tests.support.waiting import wait_until

GROUP = "The whole"
DISK_MEGABYTES = 192


@drill("three reconcilers", GROUP, PLACEHOLDER)
def three_reconcilers(testbed: Testbed) -> Outcome:
    """Three reconcilers find 100 runs that nobody could publish: each is published once, and received once. Each is
    aborted when it is received, before it is due again; a pass later the queue is empty.
    """
    recoveries, found, doubles = [], 0, 0
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_reconciler(testbed.product))
        for _ in range(testbed.scaled(1)):
            users = testbed.users(100)
            with testbed.outage(), faults.kept_down(testbed.product, "redis"):
                run_ids = start_all(testbed, users)
            back = datetime.now(UTC)
            _abort_as_received(testbed, users)
            recoveries += testbed.receipt_delays(back, run_ids, 1)
            # Whoever took one of them twice has published it by then, too.
            sleep_for(INTERVAL_SECONDS)
            doubles += _published_twice(testbed, run_ids)
            found += len(run_ids)
    return Outcome(found, "runs", recoveries, "recovery", {"published twice": doubles})


def _abort_as_received(testbed: Testbed, users: list[User]) -> None:
    """Abort each one's run as soon as a worker has it: a run that stays pending would be due again after 15 s."""
    active = testbed.product.sql("SELECT id, user_id FROM ingestion_runs WHERE finished_at IS NULL")
    owners = {user.user_id: user for user in users}
    left = {run_id: owners[user_id] for run_id, user_id in active}

    def all_received() -> bool:
        for run_id in left.keys() & testbed.receipts().keys():
            left.pop(run_id).abort(run_id)
        return not left

    try:
        wait_until(all_received, 60)
    except AssertionError:
        testbed.record_violation(f"not received within 60 s: {sorted(left)[:5]}")


def _published_twice(testbed: Testbed, run_ids: list[int]) -> int:
    """How many of these runs were published more than once; each that was not exactly once is wrong."""
    counts = dict(testbed.product.sql("SELECT id, dispatch_count FROM ingestion_runs WHERE id = ANY(%s)", run_ids))
    receipts = testbed.receipts()
    times = {run_id: (counts.get(run_id), len(receipts.get(run_id, []))) for run_id in run_ids}
    for run_id, (published, received) in times.items():
        if (published, received) != (1, 1):
            testbed.record_violation(f"run {run_id} was published {published} times and received {received} times")
    if queued := faults.count_queued(testbed.product):
        testbed.record_violation(f"{queued} messages are left in the queue")
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
def reconciler_killed(testbed: Testbed) -> Outcome:
    """Redis is away while users start; the reconciler is SIGKILLed when it has taken their runs and not yet published
    them all, and every second time frozen there: every run is received. The next one takes over; for a frozen one that
    is a second reconciler.
    """
    recoveries, in_hand = [], []
    for number in range(testbed.scaled(2, 2)):
        users = testbed.users(30)
        with testbed.outage(), ExitStack() as stack:
            with faults.kept_down(testbed.product, "redis"):
                run_ids = start_all(testbed, users)
            victim = faults.main_process(testbed.product, "reconciler")
            _wait_until_claimed(testbed, run_ids)
            stopped = datetime.now(UTC)
            if number % 2:
                victim.suspend()
                stack.callback(victim.resume)
            else:
                victim.kill()
            in_hand.append(testbed.product.sql(f"SELECT count(*) {CLAIMED}", run_ids)[0][0])
            if not in_hand[-1]:
                testbed.record_violation("the reconciler had handed over all of them before it was stopped")
            if number % 2:
                stack.enter_context(_reconciler(testbed.product))
            recoveries += testbed.receipt_delays(stopped, run_ids)
    return Outcome(sum(in_hand), "runs in hand", recoveries, "recovery", {"rounds": len(in_hand)})


CLAIMED = (
    "FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NULL"
    " AND next_dispatch_at > created_at + make_interval(secs => 5.5)"
)
"""Taken by a reconciler and not published yet: a start leaves them alone for 5 s, and no longer."""


def _wait_until_claimed(testbed: Testbed, run_ids: list[int], seconds: float = 30) -> None:
    """Return within milliseconds of the reconciler's taking one of these runs."""
    with testbed.product.connect() as connection:
        connection.autocommit = True
        statement = f"SELECT 1 {CLAIMED} LIMIT 1"
        wait_until(
            lambda: connection.execute(statement, [run_ids]).fetchone(), seconds, "what a reconciler takes", pause=0.001
        )


@drill("power cut", GROUP, PLACEHOLDER)
def power_cut(testbed: Testbed) -> Outcome:
    """Every process is SIGKILLed at one instant, the launcher too, while 6 users start and abort;
    then make run again: nothing acknowledged is lost, and a key whose answer was lost finds its run. Recovery is
    counted from the new start to the receipt of the last run.
    """
    seconds, cut = [], 0
    for _ in range(testbed.scaled(2)):
        users = testbed.users(6)
        with ThreadPoolExecutor(len(users)) as pool:
            lives = [pool.submit(_until_cut, user) for user in users]
            sleep_for(testbed.random.uniform(0.5, 1.5))
            dark = _cut_power(testbed.product)
            ends = [life.result() for life in lives]
        cut += sum(last.began < dark <= last.ended for _, last in ends)
        began = time.monotonic()
        testbed.outages.append((dark, _restore_power(testbed)))
        seconds.append(time.monotonic() - began)
        faults.recover(testbed.product)
        for user, (key, _) in zip(users, ends, strict=True):
            user.start_until_answered(key)
        testbed.wait_until_all_received()
    if not cut:
        testbed.record_violation("no request was open when the power was cut, so little was shown")
    return Outcome(len(seconds), "power cuts", seconds, "recovery", {"requests cut off": cut})


def _until_cut(user: User) -> tuple[str, Reply]:
    """Start (with a key) and abort until that fails; returns the last key and the last answer."""
    for number in count():
        key = f"cut-{number}"
        reply = user.start(key)
        if reply.status == 201:
            reply = user.abort(reply.run_id)
        if reply.status not in (200, 201):
            return key, reply
    raise AssertionError


def _restore_power(testbed: Testbed) -> datetime:
    """Start the product, and wait until all is received that is pending; returns when."""
    testbed.restart_product()
    testbed.wait_until_all_received()
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
def disk_full(options: DrillOptions) -> Outcome:
    """The disk of the data folder is full while users start and abort: results or 503, and all goes on when there is
    room again. A data folder on a small tmpfs, which is filled to the last byte.
    """
    with _small_disk() as folder, create_product(Product, folder / "data") as product:
        product.start()
        testbed = Testbed(product, options.scale)
        testbed.reset(options.seed)
        # Redis cannot write either; a worker ends by that, and is started again.
        testbed.expected += (b"Unrecoverable error",)
        outcome = _fill(testbed, folder)
        outcome.violations = testbed.verdict()
        return outcome


def _fill(testbed: Testbed, disk: Path) -> Outcome:
    recoveries, statuses = [], []
    for _ in range(testbed.scaled(1)):
        users = testbed.users(4)
        begun = [(user, user.start().run_id) for user in users]
        with testbed.outage():
            with _filled(disk):
                statuses += [user.abort(run_id).status for user, run_id in begun]
                ends = time.monotonic() + 15
                while time.monotonic() < ends:
                    for user in users:
                        statuses += [reply.status for reply in _send_all_requests(user)]
            began = time.monotonic()
            wait_until(lambda: testbed.product.health() == "ok", 90, "recovery")
            recoveries.append(time.monotonic() - began)
            last = [user.get_current_run().run_id or user.start().run_id for user in users]
            testbed.wait_until_received([run_id for run_id in last if run_id], 60)
    strange = {status for status in statuses if status not in (200, 201, 409, 503)}
    if strange:
        testbed.record_violation(f"answers on a full disk: {strange}")
    return Outcome(len(statuses), "answers", recoveries, "recovery", {"503": statuses.count(503)})


def _send_all_requests(user: User) -> list:
    replies = [user.get_current_run(), user.start()]
    if (run_id := replies[-1].run_id) is not None:
        replies += [user.get_run(run_id), user.abort(run_id)]
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
            raise CannotRun(f"mount cannot be run ({error.strerror})") from error
        if mounted.returncode:
            raise CannotRun(f"a tmpfs may not be mounted here ({mounted.stderr.strip()})")
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
