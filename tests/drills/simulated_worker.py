"""The simulated worker: the product's worker with an ``ingestion.run`` that moves a run through its statuses.

It is started like the product's own: ``celery -A tests.drills.simulated_worker worker``. It works on runs without
companies: it claims, advances, stores jobs in short guarded units, and finishes. If it loses the run, it stops without
another write. ``simulated_worker.json`` in the data folder has its speed and the seed of its pauses. The
file is read for each run.
"""

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
import structlog
from sqlalchemy import text

from app import create_app
from app.config.settings import Settings
from app.db.execute import run_statement
from app.embedded import redis as embedded_redis
from app.embedded.data_dir import read_secret, short_path
from app.errors import DatabaseUnavailable
from app.models import RunStatus
from app.services.runs import transitions
from app.services.runs.errors import RunMoved, RunNotFound
from app.tasks.ingestion import ingest as product_task
from tests.drills.sleep import sleep_for

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 40
RETRY_SECONDS = 0.5

STORE_JOB = text(
    "INSERT INTO jobs (run_id, user_id, company, external_id, url, status, created_at)"
    " SELECT held.id, held.user_id, 'drill', held.id || '-' || :number, 'https://example.org', 'ready',"
    " clock_timestamp()"
    " FROM (SELECT id, user_id FROM ingestion_runs WHERE id = :run_id AND status = 'ingesting'"
    " FOR NO KEY UPDATE) AS held"
    " ON CONFLICT DO NOTHING RETURNING id"
)
"""Stores a job only while the run is ingesting. The lock on the run's row makes an abort wait, or win."""

application = create_app()
celery = application.extensions["celery"]
settings: Settings = application.config["SETTINGS"]


# Celery silently ignores a second task of the same name, so the product's is removed first.
celery.finalize()
TASK = product_task.name
celery.tasks.pop(TASK)


@celery.task(name=TASK)
def ingest(run_id: int) -> None:
    """Move the run to finished, unless it is aborted or claimed by another worker."""
    log.info("run received", run_id=run_id)
    options = _options()
    randomness = random.Random(f"{options.get('seed')}/run {run_id - options.get('first', 0)}")
    try:
        transitions.claim(run_id)
        _pause(options, randomness)
        _retry_until_known(lambda: transitions.advance(run_id), run_id, RunStatus.INGESTING)
        for number in range(options.get("units", 3)):
            _pause(options, randomness)
            store_job = partial(run_statement, STORE_JOB.bindparams(run_id=run_id, number=number))
            _retry_until_known(store_job, run_id, None)
        _wait_at_barrier(run_id, options)
        _retry_until_known(lambda: transitions.finish(run_id), run_id, RunStatus.FINISHED)
    except (RunMoved, RunNotFound) as lost:
        log.info("simulated ingestion stopped", run_id=run_id, reason=str(lost))
    except DatabaseUnavailable as error:
        # The outcome of the claim is unknown, so another worker may have the run.
        log.warning("simulated ingestion given up", run_id=run_id, reason=error.reason)


def _retry_until_known(step: Callable[[], Any], run_id: int, to: RunStatus | None) -> None:
    """Do a step of a claimed run, and repeat it while its outcome is unknown. A move to ``to`` counts as done."""
    for _ in range(MAX_ATTEMPTS):
        unknown = False
        try:
            step()
            return
        except DatabaseUnavailable:
            unknown = True
        except RunMoved as lost:
            if lost.run_status != to:
                raise
            return
        if unknown:
            sleep_for(RETRY_SECONDS)


def _options() -> dict[str, Any]:
    try:
        return dict(json.loads((settings.data_dir / "simulated_worker.json").read_text()))
    except (OSError, ValueError):
        return {}


def _pause(options: dict[str, Any], randomness: random.Random) -> None:
    sleep_for(randomness.uniform(0, options.get("pause", 0.0)))


def _wait_at_barrier(run_id: int, options: dict[str, Any]) -> None:
    """Report that the run is about to finish, and wait for the signal to go on."""
    if not options.get("barrier"):
        return
    path = str(embedded_redis.redis_socket(short_path(settings.data_dir)))
    with redis.Redis(unix_socket_path=path, password=read_secret(settings.data_dir, "redis.password")) as client:
        client.lpush("drill:ready", run_id)
        client.blpop(f"drill:go:{run_id}", timeout=20)
