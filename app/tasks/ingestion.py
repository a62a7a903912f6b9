"""The ingestion task: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import shared_task
from flask import current_app

from app.errors import DatabaseUnavailable
from app.services.runs import work
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)


@shared_task(name="ingestion.run")
def ingest(run_id: int) -> None:
    """Carry a run on, or only log its id if INGESTION is ``noop``: the run stays as it is.

    A message is only a wake-up: it may come twice, late or never, and carries the id alone. The reconciler publishes
    it again while something can be done for the run.
    """
    log.info("run received", run_id=run_id)
    try:
        if current_app.config["SETTINGS"].ingestion != "noop":
            work.carry(run_id, stopping=shutdown_flag.is_set)
    except DatabaseUnavailable as error:
        log.warning("run work interrupted", run_id=run_id, reason=error.reason)
