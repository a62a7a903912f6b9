"""The peak memory of the product's processes while an attack lasts."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

import psutil

from tests.drills import faults
from tests.support.product import Product

GROUPS = ("web", "worker", "previewer", "reader", "postgres")
"""The groups of processes that are measured: the children of each main process."""

INTERVAL_SECONDS = 0.02
SEARCH_SECONDS = 0.4
"""Seconds between two searches for new processes."""

MAX_PEAK_MB = 600
"""A process that has grown by this much is stopped, so that the machine survives."""

MAX_PEAK_AFTERWARDS_MB = 200
"""The same for the other processes once one was stopped: the attack has been judged, and shall end."""

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Peaks:
    """The growth of memory in MB: for each group, that of the process that grew most."""

    growth: dict[str, float] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0.0))
    stopped: list[str] = field(default_factory=list)
    """The groups of the processes that were stopped at MAX_PEAK_MB."""


class MemoryWatch:
    """A thread that reads the memory of all processes every INTERVAL_SECONDS."""

    def __init__(self, product: Product) -> None:
        self.peaks = Peaks()
        self.done = Event()
        """Set it to end the thread."""
        self._mains = {name: faults.main_process(product, name) for name in GROUPS}
        self._product = product
        self._groups: dict[int, str] = {}
        self._before: dict[int, float] = {}
        self._smallest: dict[str, float] = {}
        """The smallest process of each group. One that starts later may be large by the time it is found."""
        self._search()
        for pid, group in self._groups.items():
            self._smallest[group] = min(self._before[pid], self._smallest.get(group, self._before[pid]))

    def run(self) -> None:
        """Watch until ``done`` is set."""
        next_search = time.monotonic() + SEARCH_SECONDS
        while not self.done.wait(INTERVAL_SECONDS):
            if time.monotonic() >= next_search:
                self._search()
                next_search = time.monotonic() + SEARCH_SECONDS
            for pid, group in list(self._groups.items()):
                self._measure(pid, group)

    def _measure(self, pid: int, group: str) -> None:
        size = private_memory(pid)
        growth = size - self._before[pid]
        self.peaks.growth[group] = max(self.peaks.growth[group], growth)
        if growth > (MAX_PEAK_AFTERWARDS_MB if self.peaks.stopped else MAX_PEAK_MB):
            self.peaks.stopped.append(group)
            del self._groups[pid]
            with suppress(ProcessLookupError):
                # SIGKILL of one session would restart the whole PostgreSQL.
                os.kill(pid, signal.SIGTERM if group == "postgres" else signal.SIGKILL)

    def _search(self) -> None:
        for group, main in self._mains.items():
            try:
                children = main.children()
            except psutil.Error:
                children = self._restarted(group)
            for child in children:
                if child.pid not in self._groups:
                    size = private_memory(child.pid)
                    self._before[child.pid] = min(size, self._smallest.get(group, size))
                    self._groups[child.pid] = group

    def _restarted(self, group: str) -> list[psutil.Process]:
        with suppress(AssertionError, psutil.Error):
            self._mains[group] = faults.main_process(self._product, group, 0.1)
            return self._mains[group].children()
        return []


@contextmanager
def watched_memory(product: Product) -> Iterator[Peaks]:
    """Measure the memory of the product's processes inside this block; yield the peaks so far."""
    watch = MemoryWatch(product)
    thread = Thread(target=watch.run, name="memory")
    thread.start()
    try:
        yield watch.peaks
    finally:
        watch.done.set()
        thread.join()


def private_memory(pid: int) -> float:
    """Return the resident memory of a process in MB that is neither a file's nor shared; 0 if the process has ended."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as numbers:
            _, resident, shared, *_ = map(int, numbers.read().split())
    except (OSError, ValueError):
        return 0.0
    return (resident - shared) * PAGE_MB
