"""Faults of the whole system: several reconcilers, power cuts, a full disk."""

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
from tests.drills.broker_faults import start_all
from tests.drills.drill_product import DrillProduct
from tests.drills.registry import NONE, PLACEHOLDER, PRODUCT, drill
from tests.drills.results import CannotRun, DrillOptions, Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import SETTINGS, Testbed, running_testbed
from tests.drills.users import Reply, User
from tests.support.product import Product
from tests.support.waiting import wait_until

GROUP = "Whole system"
DISK_MEGABYTES = 192


@drill("three reconcilers", GROUP, PLACEHOLDER)
def three_reconcilers(testbed: Testbed) -> Outcome:
    """Three reconcilers find 100 unpublished runs after an outage of Redis: each run is published once and received
    once. Each is aborted on its receipt, before it is due again; a pass later the queue is empty. The worker is the
    placeholder (INGESTION=noop), which changes nothing, so that each publication can be counted.
    """
    recoveries, found, duplicates = [], 0, 0
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_reconciler(testbed.product))
        for _ in range(testbed.scaled(1)):
            users = testbed.users(100)
            with testbed.outage(), faults.kept_down(testbed.product, "redis"):
                run_ids = start_all(testbed, users)
            restored_at = datetime.now(UTC)
            _abort_as_received(testbed, users)
            recoveries += testbed.receipt_delays(restored_at, run_ids, 1)
            # By then a second publish of a run would have happened.
            sleep_for(RECONCILE_INTERVAL)
            duplicates += _count_duplicates(testbed, run_ids)
            found += len(run_ids)
    return Outcome(found, "runs", recoveries, "recovery", {"published twice": duplicates})


def _abort_as_received(testbed: Testbed, users: list[User]) -> None:
    """Abort each run as soon as a worker receives it. A run that stays pending would be due again after 15 s."""
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
        testbed.record_violation(f"runs not received within 60 s: {sorted(left)[:5]}")


def _count_duplicates(testbed: Testbed, run_ids: list[int]) -> int:
    """Return the number of runs that were published or received more than once.

    Record a violation for each run that was not published and received exactly once.
    """
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
    """Run another reconciler inside this block, connected to PostgreSQL."""
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


@drill("reconciler killed and frozen", GROUP, PRODUCT)
def reconciler_killed(testbed: Testbed) -> Outcome:
    """Redis is down while users start. The reconciler claims their runs, and is killed with SIGKILL before it has
    published them all, or frozen in every second round: every run is received. The restarted reconciler takes over, or
    a second one for a frozen one.
    """
    recoveries, claimed = [], []
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
            claimed.append(testbed.product.sql(f"SELECT count(*) {FROM_CLAIMED}", run_ids)[0][0])
            if not claimed[-1]:
                testbed.record_violation("the reconciler had published all runs before it was stopped")
            if number % 2:
                stack.enter_context(_reconciler(testbed.product))
            recoveries += testbed.receipt_delays(stopped, run_ids)
    return Outcome(sum(claimed), "claimed runs", recoveries, "recovery", {"rounds": len(claimed)})


FROM_CLAIMED = (
    "FROM ingestion_runs WHERE id = ANY(%s) AND dispatched_at IS NULL"
    " AND next_dispatch_at > created_at + make_interval(secs => 5.5)"
)
"""The FROM clause of runs that a reconciler claimed and did not publish. A start sets the due time to 5 s ahead."""


def _wait_until_claimed(testbed: Testbed, run_ids: list[int], seconds: float = 30) -> None:
    """Wait until the reconciler has claimed one of these runs; poll every millisecond."""
    with testbed.product.connect() as connection:
        connection.autocommit = True
        statement = f"SELECT 1 {FROM_CLAIMED} LIMIT 1"
        wait_until(lambda: connection.execute(statement, [run_ids]).fetchone(), seconds, "a claim", pause=0.001)


@drill("power cut", GROUP, PRODUCT)
def power_cut(testbed: Testbed) -> Outcome:
    """Every process, including the launcher, is killed with SIGKILL at once, while 6 users start and abort. After the
    next make run nothing acknowledged is lost, and a key whose answer was lost finds its run. Recovery is the time from
    that start to the receipt of the last run.
    """
    seconds, cut = [], 0
    for _ in range(testbed.scaled(2)):
        users = testbed.users(6)
        with ThreadPoolExecutor(len(users)) as pool:
            loops = [pool.submit(_use_until_cut, user) for user in users]
            sleep_for(testbed.random.uniform(0.5, 1.5))
            killed_at = _cut_power(testbed.product)
            ends = [loop.result() for loop in loops]
        cut += sum(last.began < killed_at <= last.ended for _, last in ends)
        began = time.monotonic()
        testbed.outages.append((killed_at, _restore_power(testbed)))
        seconds.append(time.monotonic() - began)
        faults.recover(testbed.product)
        for user, (key, _) in zip(users, ends, strict=True):
            user.start_until_answered(key)
        testbed.wait_until_all_received()
    if not cut:
        testbed.record_violation("no request was open at the power cut, which proves little")
    return Outcome(len(seconds), "power cuts", seconds, "recovery", {"requests cut off": cut})


def _use_until_cut(user: User) -> tuple[str, Reply]:
    """Start with a key and abort, until a request fails; return the last key and the last answer."""
    for number in count():
        key = f"cut-{number}"
        reply = user.start(key)
        if reply.status == 201:
            reply = user.abort(reply.run_id)
        if reply.status not in (200, 201):
            return key, reply
    raise AssertionError


def _restore_power(testbed: Testbed) -> datetime:
    """Start the product, and wait until every pending run is received; return the time then."""
    testbed.restart_product()
    testbed.wait_until_all_received()
    return datetime.now(UTC)


def _cut_power(product: Product) -> datetime:
    """Kill every process; return a time at which all of them were still alive."""
    assert product.launcher is not None
    processes = product.processes()
    killed_at = datetime.now(UTC)
    for process in processes:
        # psutil would check each process first; that is slow, and the living processes would react to the deaths.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    product.launcher.send_signal(signal.SIGKILL)
    product.launcher.wait(10)
    psutil.wait_procs(processes, timeout=10)
    return killed_at


@drill("disk full", GROUP, NONE)
def disk_full(options: DrillOptions) -> Outcome:
    """The data folder is on a small tmpfs, which is filled to the last byte while runs ingest, and users start and
    abort: answers are results or 503. The product recovers once there is space again, and every run ends.
    """
    with _small_disk() as folder, running_testbed(DrillProduct, options.scale, folder / "data", **SETTINGS) as testbed:
        testbed.reset(options.seed)
        # Redis refuses writes too; the worker exits because of that, and is restarted.
        testbed.expected += (b"Unrecoverable error",)
        outcome = _fill(testbed, folder)
        outcome.violations = testbed.verdict()
        return outcome


def _fill(testbed: Testbed, disk: Path) -> Outcome:
    recoveries, statuses = [], []
    for _ in range(testbed.scaled(1)):
        users = testbed.users(4, delay=2)
        started = [(user, user.start().run_id) for user in users]
        with testbed.outage():
            with _filled(disk):
                statuses += [user.abort(run_id).status for user, run_id in started[::2]]
                ends = time.monotonic() + 15
                while time.monotonic() < ends:
                    for user in users:
                        statuses += [reply.status for reply in _send_all_requests(user)]
            began = time.monotonic()
            wait_until(lambda: testbed.product.health() == "ok", 90, "recovery")
            recoveries.append(time.monotonic() - began)
            last = [user.get_current_run().run_id or user.start().run_id for user in users]
            testbed.wait_until_received([run_id for run_id in last if run_id], 60)
    testbed.wait_until_all_ended(90)
    unexpected = {status for status in statuses if status not in (200, 201, 409, 503)}
    if unexpected:
        testbed.record_violation(f"unexpected answers on a full disk: {unexpected}")
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
            raise CannotRun(f"mount cannot be executed ({error.strerror})") from error
        if mounted.returncode:
            raise CannotRun(f"no permission to mount a tmpfs ({mounted.stderr.strip()})")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Fill the disk to the last byte inside this block."""
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
