"""What each process weighs, at rest and after many requests."""

from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.load import Script, put, reader, starter
from bench.stage import Stage

REQUESTS = 100_000
CLIENTS = 32
WARM_UP = 5_000
"""Requests after which everything has been loaded and every thread has its connection."""

MEBI = 2**20


@dataclass(frozen=True)
class Weight:
    """The processes of one kind, at two moments, in MiB; memory that several share is counted once."""

    name: str
    processes: int
    at_rest: float
    afterwards: float


def measure(stage: Stage) -> list[Weight]:
    """Weigh, put REQUESTS of every kind that a page makes on the product, and weigh again."""
    _put(stage, WARM_UP)
    before = _weights(stage)
    print(f"memory: {REQUESTS:,} requests", flush=True)
    _put(stage, REQUESTS)
    after = _weights(stage)
    counts = {name: len(processes) for name, processes in stage.teams().items()}
    return [Weight(name, counts[name], before[name], after[name]) for name in before]


def _put(stage: Stage, requests: int) -> None:
    put(stage.port, [_visitor(token, number) for number, token in enumerate(stage.tokens[:CLIENTS])], 1200, requests)
    stage.end_runs()


def _visitor(token: str, number: int) -> Script:
    """One in eight starts and aborts; the others look."""
    return starter(token) if number % 8 == 0 else reader(token, "current-run", "runs", "companies")


def _weights(stage: Stage) -> dict[str, float]:
    return {name: sum(map(_weight, processes)) / MEBI for name, processes in stage.teams().items()}


def _weight(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        found = process.memory_full_info()
        return float(getattr(found, "pss", 0) or found.rss)
    return 0.0
