"""What open pages cost that only watch."""

from dataclasses import dataclass

from bench.load import Load, Measured, reader
from bench.stage import Stage

POLL_SECONDS = 1.5
"""How often a page asks that watches a run (frontend/src/api/queries.js)."""

SECONDS = 20.0


@dataclass(frozen=True)
class Watching:
    """So many pages that watched, and the processors' time that all processes of the product took for it."""

    pages: int
    answers: Measured
    cores: dict[str, float]


def measure(stage: Stage) -> Watching:
    """Let every user watch a run of his own."""
    print(f"polling: {len(stage.tokens)} open pages", flush=True)
    stage.end_runs()
    started = "INSERT INTO ingestion_runs (user_id) SELECT user_id FROM users RETURNING user_id, id"
    ids = dict(stage.product.sql(started))
    pages = [reader(token, f"runs/{ids[number]}") for number, token in enumerate(stage.tokens, 1)]
    before = _cpu(stage)
    answers = Load(stage.port, pages, POLL_SECONDS).put(SECONDS)
    after = _cpu(stage)
    stage.end_runs()
    return Watching(len(pages), answers, {name: (after[name] - before[name]) / answers.seconds for name in before})


def _cpu(stage: Stage) -> dict[str, float]:
    """Seconds of processor time of each kind of process, its children that have ended included."""
    return {name: sum(sum(each.cpu_times()) for each in team) for name, team in stage.teams().items()}
