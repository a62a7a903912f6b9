"""The benchmarks. Each one yields the header row of a table, then its rows."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from statistics import median
from typing import Any

import psutil

from app.config.settings import PROJECT
from app.embedded import redis as embedded_redis
from app.services.runs import queries, transitions
from app.services.runs.start import START
from bench.bare_celery import RECEIVED, app, receive
from bench.load_generator import LoadResult, read_repeatedly, run_load, start_and_abort
from bench.testbed import USERS, Testbed, pgbench_sql, start_product
from tests.support.lines import events
from tests.support.waiting import wait_until

Rows = Iterator[tuple[Any, ...]]

CLIENTS = (8, 32, 200)
KINDS = {"GET /current-run": (read_repeatedly, 1), "start → abort": (start_and_abort, 2)}
"""Per kind of load: the client's script, and the number of requests that count as one unit."""

ROUNDS = 3
"""Rounds of the throughput benchmark."""

SECONDS = 4
"""Seconds of a load."""

PGBENCH_SECONDS = 2
"""Seconds of a run of pgbench."""

STARTS = 3
"""Starts of the product after the first."""

MESSAGES = 300
"""Messages whose time to receipt is measured."""

REQUESTS = 100_000
"""Requests of the longer load before memory is measured."""

POLL_SECONDS = 1.5
"""Seconds between the requests of a page that shows a run (frontend/src/api)."""

POLLING_SECONDS = 20
"""Seconds for which the pages are open."""

PATHS = ("current-run", "runs")
"""Paths whose rate must not depend on the number of runs."""

SIZES = (1_000, 1_000_000)
"""Numbers of runs in the table."""

READ_ROUNDS = 16
"""Rounds of the reads of each path."""

READ_SECONDS = 0.5
"""Seconds of one round of reads."""


def run_kind(testbed: Testbed, kind: str, clients: int, seconds: float = SECONDS) -> LoadResult:
    """Run this kind of load on the product."""
    return testbed.run_load([KINDS[kind][0](token) for token in testbed.tokens[:clients]], seconds)


def median_rate(rounds: list[LoadResult], kind: str = "GET /current-run") -> float:
    """Return the median rate of the rounds, in units of this kind."""
    return median(each.rate for each in rounds) / KINDS[kind][1]


def median_ms(rounds: list[LoadResult], percent: float) -> float:
    """Return the median of a percentile of the rounds, in milliseconds."""
    return median(each.ms(percent) for each in rounds)


def readiness(testbed: Testbed) -> Rows:
    """Measure the seconds until ``/readyz`` is ok. The first start also creates the database."""
    again = []
    for _ in range(STARTS):
        testbed.product.stop()
        again.append(start_product(testbed.product))
    yield "first start s", f"median of the next {STARTS} s"
    yield f"{testbed.first_start:.1f}", f"{median(again):.1f}"


def throughput(testbed: Testbed) -> Rows:
    """Measure the product and pgbench in turns, so that a slow minute of the machine slows both."""
    scripts = {
        "GET /current-run": f"\\set owner random(1, {USERS})\n{pgbench_sql(queries.CURRENT)};\n",
        "start → abort": f"\\set owner :client_id + {USERS + 1}\n{pgbench_sql(START)} \\gset\n"
        f"{pgbench_sql(transitions.ABORT.statement)};\n",
    }
    rows: list[tuple[str, int, list[LoadResult], list[float]]] = [(k, n, [], []) for k in KINDS for n in CLIENTS]
    run_kind(testbed, "GET /current-run", 32)
    for _ in range(ROUNDS):
        for kind, clients, ours, pgbench_rates in rows:
            pgbench_rates.append(testbed.pgbench(scripts[kind], clients, PGBENCH_SECONDS))
            ours.append(run_kind(testbed, kind, clients))
    yield "", "clients", "per second", "share of pgbench's rate", "p50 ms", "p99 ms", "slowest ms", "failed"
    for kind, clients, ours, pgbench_rates in rows:
        share = median_rate(ours, kind) / median(pgbench_rates)
        times = f"{median_ms(ours, 50):.1f}", f"{median_ms(ours, 99):.1f}", f"{max(each.ms(100) for each in ours):.1f}"
        rate, failed = f"{median_rate(ours, kind):,.0f}", sum(each.failed for each in ours)
        yield kind, clients, rate, f"{share:.1%}", *times, failed


def pickup(testbed: Testbed) -> Rows:
    """Measure the time from a start to its receipt, one start at a time.

    A start publishes before it answers, so the worker may receive the message before the client has the answer.
    """
    yield "", "answer ms", "from the answer to the receipt ms (negative: before the answer)"
    for name, times in (("start", list(_starts(testbed))), ("bare Celery", list(_messages(testbed)))):
        answered = median(answered - sent for sent, answered, _ in times) * 1000
        yield name, f"{answered:.2f}", f"{median(received - answer for _, answer, received in times) * 1000:.2f}"


def _starts(testbed: Testbed) -> Iterator[tuple[float, float, float]]:
    token = {"Authorization": f"Bearer {testbed.tokens[0]}"}
    for _ in range(MESSAGES):
        sent = time.time()
        run_id = testbed.product.request_json("POST", "/api/ingestion/start", **token)[1]["run_id"]
        answered = time.time()
        yield sent, answered, wait_until(lambda run_id=run_id: _receipt(testbed, run_id), 60, "the receipt")
        testbed.product.request_json("POST", f"/api/ingestion/abort/{run_id}", **token)


def _receipt(testbed: Testbed, run_id: int) -> float | None:
    """Return the time at which the worker logged the receipt of the run's message, or None."""
    tail = testbed.product.log.read_bytes()[-20_000:].decode(errors="replace").partition("\n")[2]
    found = [event for event in events(tail, "run received") if event["run_id"] == run_id]
    return datetime.fromisoformat(found[0]["timestamp"]).timestamp() if found else None


def _messages(testbed: Testbed) -> Iterator[tuple[float, float, float]]:
    app.conf.broker_url = url = embedded_redis.redis_url(testbed.product.data_dir)
    command = [sys.executable, "-m", "celery", "-q", "-A", "bench.bare_celery", "worker", "-c", "2"]
    options = {"cwd": PROJECT, "env": {**os.environ, "BROKER": url}, "start_new_session": True}
    worker = subprocess.Popen(command, **options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with testbed.product.broker() as broker:
            receive.apply_async((-1,))
            broker.blpop([RECEIVED], timeout=60)
            for number in range(MESSAGES):
                sent = time.time()
                receive.apply_async((number,))
                yield sent, time.time(), float(broker.blpop([RECEIVED], timeout=30)[1])
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def polling(testbed: Testbed) -> Rows:
    """Measure open pages that poll. The CPU cores are those of all processes of the product."""
    insert = "INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users RETURNING user_id, id"
    ids = dict(testbed.product.sql(insert))
    pages = [read_repeatedly(token, f"runs/{ids[number]}") for number, token in enumerate(testbed.tokens, 1)]
    before = _total(testbed.product.processes(), _cpu_seconds)
    result = testbed.run_load(pages, POLLING_SECONDS, pause=POLL_SECONDS)
    cores = (_total(testbed.product.processes(), _cpu_seconds) - before) / result.seconds
    yield "pages", "requests per second", "CPU cores", "p50 ms", "p99 ms", "failed"
    times = f"{result.ms(50):.1f}", f"{result.ms(99):.1f}"
    yield len(pages), f"{result.rate:.0f}", f"{cores:.2f}", *times, result.failed


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times())


def _mebibytes(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 2**20


def _total(processes: list[psutil.Process], measure: Callable[[psutil.Process], float]) -> float:
    """Return the sum over the processes that still live; PostgreSQL's vacuum workers may end at any time."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += measure(process)
    return total


def memory(testbed: Testbed) -> Rows:
    """Measure the proportional set size, which counts shared memory once. One client in eight starts and aborts."""
    sizes = []
    for requests in (REQUESTS // 20, REQUESTS):
        tokens = enumerate(testbed.tokens[:32])
        scripts = [read_repeatedly(token) if n % 8 else start_and_abort(token) for n, token in tokens]
        testbed.run_load(scripts, 600, limit=requests)
        groups = {"web": testbed.product.processes_matching("gunicorn"), "all processes": testbed.product.processes()}
        sizes.append({name: _total(processes, _mebibytes) for name, processes in groups.items()})
    yield "", f"after {REQUESTS // 20:,} requests MiB", f"after {REQUESTS:,} requests MiB"
    for name in sizes[0]:
        yield name, *(f"{size[name]:.0f}" for size in sizes)


def growth(testbed: Testbed) -> Rows:
    """Measure 8 clients who own half of all runs, alternating with ``/companies``, which reads none."""
    yield "", "runs", "per second", "p50 ms", "share of the rate of /companies"
    testbed.product.sql("TRUNCATE ingestion_runs CASCADE")
    for size in SIZES:
        testbed.product.sql(
            "INSERT INTO ingestion_runs (user_id, status, finished_at)"
            " SELECT 1 + mod(n / 2, CASE WHEN mod(n, 2) = 0 THEN 8 ELSE %s END), 'finished', now()"
            " FROM generate_series((SELECT count(*) + 1 FROM ingestion_runs), %s) n",
            USERS, size,
        )
        testbed.product.sql("VACUUM ANALYZE ingestion_runs")
        rounds: dict[str, list[LoadResult]] = {path: [] for path in ("companies", *PATHS)}
        for path in list(rounds) * READ_ROUNDS:
            scripts = [read_repeatedly(token, path) for token in testbed.tokens[:8]]
            rounds[path].append(run_load(testbed.product.port, scripts, READ_SECONDS))
        for path in PATHS:
            shares = [one.rate / other.rate for one, other in zip(rounds[path], rounds["companies"], strict=True)]
            figures = f"{median_rate(rounds[path]):,.0f}", f"{median_ms(rounds[path], 50):.1f}", f"{median(shares):.0%}"
            yield f"GET /{path}", f"{size:,}", *figures
