"""Whether reading slows down as runs pile up."""

from dataclasses import dataclass

from bench.load import put, reader
from bench.stage import PEOPLE, Stage

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CLIENTS = 8
SECONDS = 3.0
ROUNDS = 2
PATHS = ("current-run", "runs")


@dataclass(frozen=True)
class Reading:
    """How fast an address was read with so many runs in the table."""

    path: str
    runs: int
    rate: float
    half_ms: float


def measure(stage: Stage) -> list[Reading]:
    """Fill the table step by step, half of it with the runs of one user, and read as him and as the others."""
    readings = []
    for size in SIZES:
        print(f"growth: {size:,} runs", flush=True)
        _fill(stage, size)
        readings += [_read(stage, path, size) for path in PATHS]
    return readings


def _fill(stage: Stage, size: int) -> None:
    """Runs that have ended; one user has half of them, as no user will."""
    with stage.product.connect() as connection:
        connection.autocommit = True
        missing = size - connection.execute("SELECT count(*) FROM ingestion_runs").fetchone()[0]
        connection.execute(
            "INSERT INTO ingestion_runs (user_id, status, finished_at) SELECT"
            " CASE WHEN mod(n, 2) = 0 THEN 1 ELSE 1 + mod(n, %s) END, 'finished', now() FROM generate_series(1, %s) n",
            (PEOPLE, max(0, missing)),
        )
        connection.execute("VACUUM ANALYZE ingestion_runs")


def _read(stage: Stage, path: str, size: int) -> Reading:
    people = stage.tokens[:CLIENTS]
    rounds = [put(stage.port, [reader(token, path) for token in people], SECONDS) for _ in range(ROUNDS)]
    best = max(rounds, key=lambda measured: measured.rate)
    return Reading(path, size, best.rate, best.ms(50))
