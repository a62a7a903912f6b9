"""The product's worker, whose ``ingestion.run`` takes a run through its states.

Started as the product's own: ``celery -A tests.drills.simulated_worker worker``. It keeps the contract of the
placeholder's docstring, and does nothing that the real work will not do: it claims, advances, takes postings in by
short guarded units, and finishes, or stops without another write. How slowly it walks stands in ``walk.json`` of the
data folder, which is read for each run; so does the seed from which each run's pauses are drawn.
"""

import json
import random
from collections.abc import Callable
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
from tests.drills.sleep import sleep_for

log = structlog.get_logger(__name__)

UNKNOWN_TRIES = 40
PAUSE_SECONDS = 0.5

UNIT = text(
    "INSERT INTO jobs (run_id, user_id, company, external_id, url, status, created_at)"
    " SELECT held.id, held.user_id, 'drill', held.id || '-' || :number, 'https://example.org', 'ready',"
    " clock_timestamp()"
    " FROM (SELECT id, user_id FROM ingestion_runs WHERE id = :run_id AND status = 'ingesting' FOR SHARE) AS held"
    " ON CONFLICT DO NOTHING RETURNING id"
)
"""A posting is stored only while the run is being ingested; the row's lock makes an abort wait, or win."""

application = create_app()
celery = application.extensions["celery"]
settings: Settings = application.config["SETTINGS"]


# The name is taken; whoever is defined second would be dropped without a word.
celery.finalize()
celery.tasks.pop("ingestion.run")


@celery.task(name="ingestion.run")
def walk(run_id: int) -> None:
    """Take the run to its end, unless somebody else does."""
    log.info("run received", run_id=run_id)
    how = _how()
    chance = random.Random(f"{how.get('seed')}/walk {run_id - how.get('first', 0)}")
    try:
        transitions.claim(run_id)
        _pause(how, chance)
        _surely(lambda: transitions.advance(run_id, how.get("units", 3)), run_id, RunStatus.INGESTING)
        for number in range(how.get("units", 3)):
            _pause(how, chance)
            _surely(lambda number=number: run_statement(UNIT.bindparams(run_id=run_id, number=number)), run_id, None)
        _at_barrier(run_id, how)
        _surely(lambda: transitions.finish(run_id), run_id, RunStatus.FINISHED)
    except (RunMoved, RunNotFound) as lost:
        log.info("walk ended", run_id=run_id, reason=str(lost))
    except DatabaseUnavailable as error:
        # Whether the claim was carried out is not known, so the run may be another's by now.
        log.warning("walk given up", run_id=run_id, reason=error.reason)


def _surely(step: Callable[[], Any], run_id: int, to: RunStatus | None) -> None:
    """Do a step of a run that is ours; one whose outcome is not known is done again, and may turn out to be done."""
    for _ in range(UNKNOWN_TRIES):
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
            sleep_for(PAUSE_SECONDS)


def _how() -> dict[str, Any]:
    try:
        return dict(json.loads((settings.data_dir / "walk.json").read_text()))
    except (OSError, ValueError):
        return {}


def _pause(how: dict[str, Any], chance: random.Random) -> None:
    sleep_for(chance.uniform(0, how.get("pause", 0.0)))


def _at_barrier(run_id: int, how: dict[str, Any]) -> None:
    """Say that the run stands before its end, and wait for the word to go on."""
    if not how.get("barrier"):
        return
    path = str(embedded_redis.redis_socket(short_path(settings.data_dir)))
    with redis.Redis(unix_socket_path=path, password=read_secret(settings.data_dir, "redis.password")) as client:
        client.lpush("drill:ready", run_id)
        client.blpop(f"drill:go:{run_id}", timeout=20)
