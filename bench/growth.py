"""Whether reading slows down as runs pile up."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.load import Measured, put, reader
from bench.stage import PEOPLE, Stage

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CLIENTS = 8
SECONDS = 0.5
ROUNDS = 16

WARMING = 2
"""Rounds before these, which are not counted."""

PATHS = ("current-run", "runs")

YARDSTICK = "companies"
"""Which knows nothing of runs: read turn by turn with the others, because a machine drifts more than a table grows."""


@dataclass(frozen=True)
class Reading:
    """How fast an address was read with so many runs in the table, and beside the yardstick."""

    path: str
    runs: int
    rate: float
    half_ms: float
    share: float
    """Of the yardstick's rate in the same second; the median of all rounds."""


def measure(stage: Stage) -> list[Reading]:
    """Fill the table step by step, half of it with the runs of those who read."""
    readings = []
    for size in SIZES:
        print(f"growth: {size:,} runs", flush=True)
        _fill(stage, size)
        readings += _read(stage, size)
    return readings


def _fill(stage: Stage, size: int) -> None:
    """Runs that have ended. Those who read have half of them: enough for full pages from the first size on."""
    with stage.product.connect() as connection:
        connection.autocommit = True
        missing = size - connection.execute("SELECT count(*) FROM ingestion_runs").fetchone()[0]
        connection.execute(
            "INSERT INTO ingestion_runs (user_id, status, finished_at) SELECT"
            " 1 + CASE WHEN mod(n, 2) = 0 THEN mod(n / 2, %s) ELSE mod(n, %s) END, 'finished', now()"
            " FROM generate_series(1, %s) n",
            (CLIENTS, PEOPLE, max(0, missing)),
        )
        connection.execute("VACUUM ANALYZE ingestion_runs")


def _read(stage: Stage, size: int) -> Iterator[Reading]:
    rounds: dict[str, list[Measured]] = {path: [] for path in (YARDSTICK, *PATHS)}
    for _ in range(WARMING + ROUNDS):
        for path, each in rounds.items():
            each.append(put(stage.port, [reader(token, path) for token in stage.tokens[:CLIENTS]], SECONDS))
    yardstick = rounds.pop(YARDSTICK)[WARMING:]
    for path, each in rounds.items():
        whole = Measured()
        for one in each[WARMING:]:
            whole.add(one)
        shares = [one.rate / beside.rate for one, beside in zip(each[WARMING:], yardstick, strict=True)]
        yield Reading(path, size, whole.rate, whole.ms(50), median(shares))
