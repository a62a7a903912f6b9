"""From a start to the worker that received its message, beside Celery alone on the same broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median

import redis

from app import embedded
from app.config import PROJECT
from bench.bare_celery import RECEIVED, app, receive
from bench.load import API, Client, request
from bench.stage import Stage
from tests.support.waiting import wait_until

STARTS = 300


def measure(stage: Stage) -> dict[str, list[float]]:
    """Seconds from asking, and from the answer, until the receipt: of a start, and of a publish by Celery alone."""
    print(f"pick-up: {STARTS} starts, then as many messages of bare Celery", flush=True)
    ours = list(_starts(stage))
    bare = list(_messages(stage))
    return {
        "ours, from asking": [received - asked for asked, _, received in ours],
        "ours, from the answer": [received - answered for _, answered, received in ours],
        "bare Celery, from asking": [received - asked for asked, _, received in bare],
        "bare Celery, from the answer": [received - answered for _, answered, received in bare],
    }


def half(seconds: list[float]) -> float:
    """The median, in milliseconds."""
    return median(seconds) * 1000


def _starts(stage: Stage) -> Iterator[tuple[float, float, float]]:
    """When each start was asked for, answered, and received, one after the other."""
    token = stage.tokens[0]
    wait_until(stage.is_at_rest, 300, "the end of what an earlier load has left to the worker")
    client = Client(stage.port, _nothing())
    for _ in range(STARTS):
        asked = time.time()
        run_id = json.loads(_ask(client, request("POST", f"{API}/start", token)))["run_id"]
        answered = time.time()
        yield asked, answered, wait_until(lambda run_id=run_id: _receipt(stage, run_id), what="the receipt")
        _ask(client, request("POST", f"{API}/abort/{run_id}", token))
    client.socket.close()


def _ask(client: Client, words: bytes) -> bytes:
    client.saying = words
    client.ask()
    while not (answer := client.read()):
        pass
    return answer[1]


def _nothing() -> Iterator[bytes]:
    while True:
        yield b""


def _receipt(stage: Stage, run_id: int) -> float | None:
    """When the worker's log says that it received the run's message."""
    tail = stage.product.log.read_bytes()[-20_000:].decode(errors="replace")
    for line in tail.splitlines():
        if '"run received"' in line and f'"run_id": {run_id},' in line:
            said = json.loads(line)["timestamp"]
            return datetime.fromisoformat(said).timestamp()
    return None


def _messages(stage: Stage) -> Iterator[tuple[float, float, float]]:
    """The same of a task that does nothing but tell when it began."""
    with _worker(stage) as broker:
        for number in range(STARTS):
            asked = time.time()
            receive.apply_async((number,))
            answered = time.time()
            received = broker.blpop([RECEIVED], timeout=30)
            assert received, "bare Celery's worker received nothing"
            yield asked, answered, float(received[1])


@contextmanager
def _worker(stage: Stage) -> Iterator["redis.Redis"]:
    """Celery's own worker on the product's Redis, in a queue of its own."""
    url = embedded.redis_url(stage.product.data_dir)
    app.conf.broker_url = url
    broker = stage.product.broker()
    environment = {**os.environ, "BROKER": url}
    command = [sys.executable, "-m", "celery", "-q", "-A", "bench.bare_celery", "worker", "-c", "2"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True, **quiet)
    try:
        receive.apply_async((-1,))
        assert broker.blpop([RECEIVED], timeout=60), "bare Celery's worker did not come up"
        yield broker
    finally:
        # With its children; that it can be asked to stop is not what is measured.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        broker.close()
