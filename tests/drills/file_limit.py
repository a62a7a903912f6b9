"""Web processes at their limit of open files."""

import resource
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

import psutil

from tests.drills import faults
from tests.drills.load_generator import under_load, wait_for_good_answer
from tests.drills.registry import PRODUCT, drill
from tests.drills.results import Outcome
from tests.drills.sleep import sleep_for
from tests.drills.testbed import Testbed

GROUP = "Whole system"

FREE_FILES = 4
CLIENTS = 64
LIMITED_SECONDS = 8.0


@drill("web processes at their limit of files", GROUP, PRODUCT)
def file_limit(testbed: Testbed) -> Outcome:
    """Each web process may open 4 more files, and 64 silent clients take them, while 6 users start, read and abort:
    answers are results or 503, or no connection. Once the clients have gone, answers are good again, without a restart.
    """
    testbed.expected += (b"Too many open files",)
    recoveries: list[float] = []
    meanwhile = 0
    with under_load(testbed.users(6)) as load, testbed.outage():
        for _ in range(testbed.scaled(3)):
            sleep_for(1)
            before = faults.children(testbed.product, "web")
            with _limited(before, resource.RLIMIT_NOFILE, lambda process: process.num_fds() + FREE_FILES):
                answered = len(load.replies)
                with _silent_clients(testbed.port):
                    sleep_for(LIMITED_SECONDS)
                meanwhile += len(load.replies) - answered
                recoveries.append(wait_for_good_answer(load, datetime.now(UTC)))
            if [process for process in before if not process.is_running()]:
                testbed.record_violation("a web process ended at its limit of files")
    faults.recover(testbed.product)
    allowed = ("200", "201", "409", "503", "none")
    if unexpected := {status: n for status, n in load.statuses.items() if status not in allowed}:
        testbed.record_violation(f"unexpected answers: {unexpected}")
    refused = testbed.product.output().count("Too many open files")
    if not refused:
        testbed.record_violation("no process met its limit, which proves nothing")
    answers = dict(sorted(load.statuses.items()))
    facts = {"answers": answers, "of them at the limit": meanwhile, "refusals logged": refused}
    return Outcome(len(recoveries), "limits", recoveries, "recovery", facts)


@contextmanager
def _limited(processes: Iterable[psutil.Process], kind: int, limit: Callable[[psutil.Process], int]) -> Iterator[None]:
    """Lower a limit of these processes inside this block."""
    former: dict[int, tuple[int, int]] = {}
    for process in processes:
        with suppress(psutil.Error, OSError):
            former[process.pid] = resource.prlimit(process.pid, kind)
            resource.prlimit(process.pid, kind, (limit(process), former[process.pid][1]))
    try:
        yield
    finally:
        for pid, limits in former.items():
            with suppress(OSError):
                resource.prlimit(pid, kind, limits)


@contextmanager
def _silent_clients(port: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            with suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=1))
        yield
