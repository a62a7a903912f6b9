"""Where the time of some Python code goes, by library."""

import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

SAMPLE_SECONDS = 0.001
"""Seconds between two samples of the main thread."""

OURS = re.compile(r"/(app/\w+/\w+)")
LIBRARY = re.compile(r"/site-packages/(\w+)")
STANDARD = re.compile(r"/python3\.\d+/_*([a-z]+)")

POSTGRES = "PostgreSQL and its driver"
DRIVERS = {"psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool"}

MIN_PERCENT = 4
"""The least share that is named; smaller ones are summed."""


def where_time_goes(work: Callable[[], Any]) -> tuple[float, str]:
    """Run the work in the main thread; return its seconds, and in words the share of each library.

    A sample counts for the library of the innermost Python function. Functions in C count for their caller, and so
    does waiting: that for PostgreSQL counts for its driver.
    """
    samples: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        samples[_library(frame.f_code.co_filename if frame else "")] += 1

    usual = signal.signal(signal.SIGALRM, sample)
    began = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, SAMPLE_SECONDS, SAMPLE_SECONDS)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    return time.perf_counter() - began, _describe(samples)


def _describe(samples: Counter[str]) -> str:
    percents = {name: 100 * count / samples.total() for name, count in samples.most_common()}
    named = [f"{name} {share:.0f} %" for name, share in percents.items() if share >= MIN_PERCENT]
    rest = sum(share for share in percents.values() if share < MIN_PERCENT)
    return ", ".join([*named, f"others {rest:.0f} %"])


def _library(file: str) -> str:
    """Return the name of the library of this file, or of our own package and module."""
    if found := OURS.search(file):
        return f"`{found[1]}`"
    if found := LIBRARY.search(file):
        return POSTGRES if found[1] in DRIVERS else found[1]
    found = STANDARD.search(file)
    return f"Python's {found[1]}" if found else "Python"
