"""The figures of the README's promise: each yields the head of a table, and its rows."""

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
from bench.load import Measured, put, reader, starter
from bench.stage import USERS, Stage, in_words_of_pgbench, start
from tests.support.lines import events
from tests.support.waiting import wait_until

Rows = Iterator[tuple[Any, ...]]

CLIENTS = (8, 32, 200)
KINDS = {"GET /current-run": (reader, 1), "start → abort": (starter, 2)}
"""The script of each client, and the number of requests that count as one."""

ROUNDS, SECONDS, PGBENCH_SECONDS = 3, 4, 2
STARTS, MESSAGES, REQUESTS = 3, 300, 100_000
POLL_SECONDS, POLLING_SECONDS = 1.5, 20
"""Between two requests of a page that watches a run (frontend/src/api/runs.js), and how long the pages are open."""

PATHS, SIZES = ("current-run", "runs"), (1_000, 1_000_000)
READ_ROUNDS, READ_SECONDS = 16, 0.5


def load(stage: Stage, kind: str, clients: int, seconds: float = SECONDS) -> Measured:
    """Put that kind of load on it."""
    return stage.put([KINDS[kind][0](token) for token in stage.tokens[:clients]], seconds)


def rate(rounds: list[Measured], kind: str = "GET /current-run") -> float:
    """The median rate."""
    return median(each.rate for each in rounds) / KINDS[kind][1]


def ms(rounds: list[Measured], percent: float) -> float:
    """The median of these milliseconds."""
    return median(each.ms(percent) for each in rounds)


def readiness(stage: Stage) -> Rows:
    """Seconds until ``/readyz`` is ok; the first start makes the database."""
    again = []
    for _ in range(STARTS):
        stage.product.stop()
        again.append(start(stage.product))
    yield "first start s", f"median of the next {STARTS} s"
    yield f"{stage.first_start:.1f}", f"{median(again):.1f}"


def throughput(stage: Stage) -> Rows:
    """Ours and pgbench's in turns, so that a machine that is slow for a minute is slow for both."""
    words = {
        "GET /current-run": f"\\set owner random(1, {USERS})\n{in_words_of_pgbench(queries.CURRENT)};\n",
        "start → abort": f"\\set owner :client_id + {USERS + 1}\n{in_words_of_pgbench(START)} \\gset\n"
        f"{in_words_of_pgbench(transitions.ABORT.statement)};\n",
    }
    rows: list[tuple[str, int, list[Measured], list[float]]] = [(k, n, [], []) for k in KINDS for n in CLIENTS]
    load(stage, "GET /current-run", 32)
    for _ in range(ROUNDS):
        for kind, clients, ours, limits in rows:
            limits.append(stage.pgbench(words[kind], clients, PGBENCH_SECONDS))
            ours.append(load(stage, kind, clients))
    yield "", "clients", "a second", "of pgbench's", "p50 ms", "p99 ms", "slowest ms", "5xx"
    for kind, clients, ours, limits in rows:
        share = rate(ours, kind) / median(limits)
        times = f"{ms(ours, 50):.1f}", f"{ms(ours, 99):.1f}", f"{max(each.ms(100) for each in ours):.1f}"
        yield kind, clients, f"{rate(ours, kind):,.0f}", f"{share:.1%}", *times, sum(each.bad for each in ours)


def pickup(stage: Stage) -> Rows:
    """One after the other; a start publishes before it answers, so the worker may have the message sooner."""
    yield "", "answered ms", "from the answer until received ms (below 0: before it)"
    for name, times in (("a start", list(_starts(stage))), ("bare Celery", list(_messages(stage)))):
        answered = median(answered - asked for asked, answered, _ in times) * 1000
        yield name, f"{answered:.2f}", f"{median(received - answer for _, answer, received in times) * 1000:.2f}"


def _starts(stage: Stage) -> Iterator[tuple[float, float, float]]:
    token = {"Authorization": f"Bearer {stage.tokens[0]}"}
    for _ in range(MESSAGES):
        asked = time.time()
        run_id = stage.product.call("POST", "/api/ingestion/start", **token)[1]["run_id"]
        answered = time.time()
        yield asked, answered, wait_until(lambda run_id=run_id: _receipt(stage, run_id), 60, "the receipt")
        stage.product.call("POST", f"/api/ingestion/abort/{run_id}", **token)


def _receipt(stage: Stage, run_id: int) -> float | None:
    """The time of the worker's log line that it received the run's message."""
    tail = stage.product.log.read_bytes()[-20_000:].decode(errors="replace").partition("\n")[2]
    found = [event for event in events(tail, "run received") if event["run_id"] == run_id]
    return datetime.fromisoformat(found[0]["timestamp"]).timestamp() if found else None


def _messages(stage: Stage) -> Iterator[tuple[float, float, float]]:
    app.conf.broker_url = url = embedded_redis.redis_url(stage.product.data_dir)
    command = [sys.executable, "-m", "celery", "-q", "-A", "bench.bare_celery", "worker", "-c", "2"]
    words = {"cwd": PROJECT, "env": {**os.environ, "BROKER": url}, "start_new_session": True}
    worker = subprocess.Popen(command, **words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with stage.product.broker() as broker:
            receive.apply_async((-1,))
            broker.blpop([RECEIVED], timeout=60)
            for number in range(MESSAGES):
                asked = time.time()
                receive.apply_async((number,))
                yield asked, time.time(), float(broker.blpop([RECEIVED], timeout=30)[1])
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def polling(stage: Stage) -> Rows:
    """The share of a core is that of all processes of the product."""
    started = "INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users RETURNING user_id, id"
    ids = dict(stage.product.sql(started))
    pages = [reader(token, f"runs/{ids[number]}") for number, token in enumerate(stage.tokens, 1)]
    before = _total(stage.product.processes(), _cpu_seconds)
    measured = stage.put(pages, POLLING_SECONDS, pause=POLL_SECONDS)
    cores = (_total(stage.product.processes(), _cpu_seconds) - before) / measured.seconds
    yield "pages", "requests a second", "of a core", "p50 ms", "p99 ms", "5xx"
    times = f"{measured.ms(50):.1f}", f"{measured.ms(99):.1f}"
    yield len(pages), f"{measured.rate:.0f}", f"{cores:.2f}", *times, measured.bad


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times())


def _mebibytes(process: psutil.Process) -> float:
    return process.memory_full_info().pss / 2**20


def _total(processes: list[psutil.Process], figure: Callable[[psutil.Process], float]) -> float:
    """The sum over those that still live; PostgreSQL's vacuum workers come and go."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += figure(process)
    return total


def memory(stage: Stage) -> Rows:
    """Proportional set size counts memory that several processes share once. One client in eight starts and aborts."""
    weights = []
    for requests in (REQUESTS // 20, REQUESTS):
        scripts = [reader(token) if n % 8 else starter(token) for n, token in enumerate(stage.tokens[:32])]
        stage.put(scripts, 600, limit=requests)
        teams = {"web": stage.product.team("gunicorn"), "everything": stage.product.processes()}
        weights.append({name: _total(team, _mebibytes) for name, team in teams.items()})
    yield "", "at rest MiB", f"after {REQUESTS:,} requests MiB"
    for name in weights[0]:
        yield name, *(f"{weight[name]:.0f}" for weight in weights)


def growth(stage: Stage) -> Rows:
    """8 clients, who own half of the runs. ``/companies``, which knows nothing of runs, is read in turns with them."""
    yield "", "runs", "a second", "p50 ms", "of the rate of /companies"
    stage.product.sql("TRUNCATE ingestion_runs CASCADE")
    for size in SIZES:
        stage.product.sql(
            "INSERT INTO ingestion_runs (user_id, status, finished_at)"
            " SELECT 1 + mod(n / 2, CASE WHEN mod(n, 2) = 0 THEN 8 ELSE %s END), 'finished', now()"
            " FROM generate_series((SELECT count(*) + 1 FROM ingestion_runs), %s) n",
            USERS, size,
        )
        stage.product.sql("VACUUM ANALYZE ingestion_runs")
        rounds: dict[str, list[Measured]] = {path: [] for path in ("companies", *PATHS)}
        for path in list(rounds) * READ_ROUNDS:
            scripts = [reader(token, path) for token in stage.tokens[:8]]
            rounds[path].append(put(stage.product.port, scripts, READ_SECONDS))
        for path in PATHS:
            shares = [one.rate / other.rate for one, other in zip(rounds[path], rounds["companies"], strict=True)]
            figures = f"{rate(rounds[path]):,.0f}", f"{ms(rounds[path], 50):.1f}", f"{median(shares):.0%}"
            yield f"GET /{path}", f"{size:,}", *figures
