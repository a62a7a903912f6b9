"""The benchmarks of requests and messages on one product. Each returns a section of the report."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from app.config.settings import PROJECT
from app.embedded import redis as embedded_redis
from app.services.runs import queries, transitions
from app.services.runs.start import START
from bench.bare_celery import RECEIVED, app, receive
from bench.findings import Finding, Findings, Section, at_least, at_most
from bench.load_generator import LoadResult, read_repeatedly, run_load, start_and_abort
from bench.processes import cpu_seconds, total
from bench.testbed import USERS, Testbed, pgbench_sql
from tests.support.lines import events
from tests.support.waiting import wait_until

CLIENTS = (8, 32, 200)
READS, CYCLES = "GET /current-run", "start → abort"
KINDS = {READS: (read_repeatedly, 1), CYCLES: (start_and_abort, 2)}
"""Per kind of load: the client's script, and the number of requests that count as one unit."""

MIN_PERCENT_OF_PGBENCH = {READS: 9, CYCLES: 15}
MIN_PERCENT_OF_FEW = 80
"""The rate with many clients, in percent of that with 8."""

MAX_TAIL = 4
"""The 99th percentile, in medians."""

MAX_ANSWER_SECONDS = 2
ROUNDS = 3
"""Rounds of the throughput benchmark."""

SECONDS = 4
"""Seconds of a load."""

PGBENCH_SECONDS = 2
"""Seconds of a run of pgbench."""

MESSAGES = 300
"""Messages whose time to receipt is measured."""

MAX_TIMES_CELERY = 1.5
MAX_FROZEN_SECONDS = 2.5
"""The longest answer to a start while Redis does not answer."""

POLL_SECONDS = 1.5
"""Seconds between the requests of a page that shows a run (frontend/src/api)."""

POLLING_SECONDS = 20
"""Seconds for which the pages are open."""

MAX_POLLING_CORES = 0.5
PATHS = ("current-run", "runs")
"""Paths whose rate must not depend on the number of runs."""

SIZES = (1_000, 1_000_000)
"""Numbers of runs in the table."""

MIN_PERCENT_OF_SMALL = 90
READ_ROUNDS = 16
"""Rounds of the reads of each path."""

READ_SECONDS = 0.5
"""Seconds of one round of reads."""


@dataclass
class Load:
    """The rounds of one kind of load with some clients, and the rates of pgbench in turns with them."""

    kind: str
    clients: int
    rounds: list[LoadResult] = field(default_factory=list)
    pgbench_rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median rate, in units of this kind."""
        return median_rate(self.rounds, self.kind)

    @property
    def percent_of_pgbench(self) -> float:
        """The rate in percent of pgbench's."""
        return 100 * self.rate / median(self.pgbench_rates)

    @property
    def slowest(self) -> float:
        """The slowest answer of all rounds, in seconds."""
        return max(each.ms(100) for each in self.rounds) / 1000

    @property
    def tail(self) -> float:
        """The 99th percentile, in medians."""
        return median_ms(self.rounds, 99) / median_ms(self.rounds, 50)

    @property
    def failed(self) -> int:
        """The failed requests of all rounds."""
        return sum(each.failed for each in self.rounds)


def run_kind(testbed: Testbed, kind: str, clients: int, seconds: float = SECONDS) -> LoadResult:
    """Run this kind of load on the product."""
    return testbed.run_load([KINDS[kind][0](token) for token in testbed.tokens[:clients]], seconds)


def median_rate(rounds: list[LoadResult], kind: str = READS) -> float:
    """Return the median rate of the rounds, in units of this kind."""
    return median(each.rate for each in rounds) / KINDS[kind][1]


def median_ms(rounds: list[LoadResult], percent: float) -> float:
    """Return the median of a percentile of the rounds, in milliseconds."""
    return median(each.ms(percent) for each in rounds)


def throughput(testbed: Testbed) -> Section:
    """Measure the product and pgbench in turns, so that a slow minute of the machine slows both."""
    scripts = {
        READS: f"\\set owner random(1, {USERS})\n{pgbench_sql(queries.CURRENT)};\n",
        CYCLES: f"\\set owner :client_id + {USERS + 1}\n{pgbench_sql(START)} \\gset\n"
        f"{pgbench_sql(transitions.ABORT.statement)};\n",
    }
    loads = [Load(kind, clients) for kind in KINDS for clients in CLIENTS]
    run_kind(testbed, READS, 32)
    for _ in range(ROUNDS):
        for load in loads:
            load.pgbench_rates.append(testbed.pgbench(scripts[load.kind], load.clients, PGBENCH_SECONDS))
            load.rounds.append(run_kind(testbed, load.kind, load.clients))
    head = "", "clients", "per second", "share of pgbench's rate", "p50 ms", "p99 ms", "slowest ms", "failed"
    section = Section("Requests per second", head, findings=list(_judge(loads)))
    for load in loads:
        times = f"{median_ms(load.rounds, 50):.1f}", f"{median_ms(load.rounds, 99):.1f}", f"{load.slowest * 1000:.0f}"
        rates = f"{load.rate:,.0f}", f"{load.percent_of_pgbench:.1f} %"
        section.rows.append((load.kind, load.clients, *rates, *times, load.failed))
    return section


def _judge(loads: list[Load]) -> Findings:
    few = {load.kind: load for load in loads if load.clients == CLIENTS[0]}
    for load in loads:
        what = f"{load.kind}, {load.clients} clients"
        if load is few[load.kind]:
            percent = load.percent_of_pgbench
            yield at_least(what, MIN_PERCENT_OF_PGBENCH[load.kind], "% of pgbench", percent, f"{percent:.1f} %")
        else:
            percent, is_answered = 100 * load.rate / few[load.kind].rate, load.slowest <= MAX_ANSWER_SECONDS
            wanted = f"≥ {MIN_PERCENT_OF_FEW} % of the rate with {CLIENTS[0]}; no answer above 2 s; none failed"
            found = f"{percent:.0f} %; slowest {load.slowest:.2f} s; {load.failed} failed"
            yield Finding(what, wanted, found, percent >= MIN_PERCENT_OF_FEW and is_answered and not load.failed)
        if load.clients in (CLIENTS[0], CLIENTS[-1]):
            yield at_most(f"{what}: p99", MAX_TAIL, "medians", load.tail, f"{load.tail:.1f}")


def pickup(testbed: Testbed) -> Section:
    """Measure the time from a start to its receipt, one start at a time.

    A start publishes before it answers, so the worker may receive the message before the client has the answer.
    """
    head = "", "answer ms", "from the answer to the receipt ms (negative: before the answer)"
    section, after = Section("Time from a start to its receipt, compared with Celery alone", head), {}
    for name, times in (("start", list(_starts(testbed))), ("bare Celery", list(_messages(testbed)))):
        answered = median(answered - sent for sent, answered, _ in times) * 1000
        after[name] = median(received - answer for _, answer, received in times) * 1000
        section.rows.append((name, f"{answered:.2f}", f"{after[name]:.2f}"))
    ours, bare = after.values()
    found = f"{ours:.2f} ms; bare Celery {bare:.2f} ms"
    what = "from the answer to a start to the receipt of its message, beside bare Celery"
    section.findings = [at_most(what, MAX_TIMES_CELERY, "times", ours / bare, found)]
    return section


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


def frozen_redis(testbed: Testbed) -> Section:
    """Measure a start of each user, all at once, while Redis is frozen."""
    broker = testbed.product.main_process("redis-server")
    broker.suspend()
    try:
        with ThreadPoolExecutor(USERS) as pool:
            seconds = list(pool.map(lambda token: _start(testbed, token), testbed.tokens))
    finally:
        broker.resume()
    testbed.abort_runs()
    what, found = f"{USERS} starts at once while Redis is frozen: slowest answer", f"{max(seconds):.2f} s"
    finding = at_most(what, MAX_FROZEN_SECONDS, "s", max(seconds), found)
    rows = [(USERS, f"{median(seconds):.2f}", found)]
    return Section("Starts while Redis is frozen", ("starts", "median s", "slowest"), rows, [finding])


def _start(testbed: Testbed, token: str) -> float:
    """Start a run, which must be answered 201, and return the seconds until the answer."""
    began = time.perf_counter()
    status, document = testbed.product.request_json(
        "POST", "/api/ingestion/start", timeout=30, Authorization=f"Bearer {token}"
    )
    assert status == 201, document
    return time.perf_counter() - began


def polling(testbed: Testbed) -> Section:
    """Measure open pages that poll. The CPU cores are those of all processes of the product."""
    insert = "INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users RETURNING user_id, id"
    ids = dict(testbed.product.sql(insert))
    pages = [read_repeatedly(token, f"runs/{ids[number]}") for number, token in enumerate(testbed.tokens, 1)]
    before = total(testbed.product.processes(), cpu_seconds)
    result = testbed.run_load(pages, POLLING_SECONDS, pause=POLL_SECONDS)
    cores = (total(testbed.product.processes(), cpu_seconds) - before) / result.seconds
    head = "pages", "requests per second", "CPU cores", "p50 ms", "p99 ms", "failed"
    times = f"{result.ms(50):.1f}", f"{result.ms(99):.1f}"
    rows = [(len(pages), f"{result.rate:.0f}", f"{cores:.2f}", *times, result.failed)]
    what = f"{len(pages)} open pages that poll a run every {POLL_SECONDS} s"
    finding = at_most(what, MAX_POLLING_CORES, "cores", cores, f"{cores:.2f} cores")
    return Section(f"Open pages that poll a run every {POLL_SECONDS} s", head, rows, [finding])


def growth(testbed: Testbed) -> Section:
    """Measure 8 clients who own half of all runs, alternating with ``/companies``, which reads none."""
    head = "", "runs", "per second", "p50 ms", "share of the rate of /companies"
    section = Section("Growing number of runs: 8 clients, who own half of them", head)
    shares: dict[tuple[str, int], float] = {}
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
            pairs = zip(rounds[path], rounds["companies"], strict=True)
            share = shares[path, size] = median(one.rate / other.rate for one, other in pairs)
            figures = f"{median_rate(rounds[path]):,.0f}", f"{median_ms(rounds[path], 50):.1f}", f"{share:.0%}"
            section.rows.append((f"GET /{path}", f"{size:,}", *figures))
    for path in PATHS:
        percent = 100 * shares[path, SIZES[1]] / shares[path, SIZES[0]]
        what = f"GET /{path}: the rate with {SIZES[1]:,} runs, of that with {SIZES[0]:,}"
        section.findings.append(at_least(what, MIN_PERCENT_OF_SMALL, "%", percent, f"{percent:.0f} %"))
    return section
