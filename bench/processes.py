"""The benchmarks of the product's processes: their start and stop, and their memory."""

import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import psutil

from bench.findings import Section, at_most, plain
from bench.load_generator import read_repeatedly, start_and_abort
from bench.testbed import Testbed, start_product
from tests.support.waiting import wait_until

STARTS = 3
"""Starts of the product after the first."""

MAX_STOP_SECONDS = 3
REQUESTS = 100_000
"""Requests of the longer load before memory is measured."""

MAX_GROWTH_PERCENT = 3
"""The growth that counts as none: the sizes differ by as much from one minute to the next."""


def readiness(testbed: Testbed) -> Section:
    """Measure the seconds until ``/readyz`` is ok, and until a web server without work has stopped.

    The first start also creates the database.
    """
    stops, again = [], []
    for _ in range(STARTS):
        stops.append(_stop_web_server(testbed))
        testbed.product.stop()
        again.append(start_product(testbed.product))
    section = Section("Time until the product is ready", ("first start s", f"median of the next {STARTS} s"))
    section.rows = [(f"{testbed.first_start:.1f}", f"{median(again):.1f}")]
    slowest = max(stops)
    what = "a web server without work stops"
    section.findings = [at_most(what, MAX_STOP_SECONDS, "s", slowest, f"slowest {slowest:.2f} s")]
    return section


def memory(testbed: Testbed) -> Section:
    """Measure the proportional set size, which counts shared memory once. One client in eight starts and aborts."""
    sizes = []
    for requests in (REQUESTS // 20, REQUESTS):
        tokens = enumerate(testbed.tokens[:32])
        scripts = [read_repeatedly(token) if n % 8 else start_and_abort(token) for n, token in tokens]
        testbed.run_load(scripts, 600, limit=requests)
        groups = {"web": testbed.product.processes_matching("gunicorn"), "all processes": testbed.product.processes()}
        sizes.append({name: total(processes, _mebibytes) for name, processes in groups.items()})
    head = "", f"after {REQUESTS // 20:,} requests MiB", f"after {REQUESTS:,} requests MiB"
    rows = [(name, *(f"{size[name]:.0f}" for size in sizes)) for name in sizes[0]]
    percent = 100 * (sizes[1]["web"] / sizes[0]["web"] - 1)
    what = f"memory of the web processes after {REQUESTS:,} requests: growth"
    finding = at_most(what, MAX_GROWTH_PERCENT, "% (none)", percent, f"{percent:+.1f} %")
    each = plain("memory of a product at rest, all processes", f"{sizes[0]['all processes']:.0f} MiB")
    return Section("Memory (proportional set size)", head, rows, [finding, each])


def total(processes: list[psutil.Process], measure: Callable[[psutil.Process], float]) -> float:
    """Return the sum over the processes that still live; PostgreSQL's vacuum workers may end at any time."""
    found = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += measure(process)
    return found


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process."""
    return sum(process.cpu_times())


def _mebibytes(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 2**20


def _stop_web_server(testbed: Testbed) -> float:
    """Stop the web server, which the launcher starts again; return the seconds until all its processes are gone."""
    servers = testbed.product.processes_matching("gunicorn")
    began = time.perf_counter()
    testbed.product.main_process("gunicorn").terminate()
    _, alive = psutil.wait_procs(servers, timeout=60)
    seconds = time.perf_counter() - began
    assert not alive, alive
    wait_until(lambda: testbed.product.health() == "ok", 60, "a product that is ready again")
    return seconds
