"""The ingestion task: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import current_app, shared_task

from app.errors import DatabaseUnavailable
from app.services.runs import work
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)


@shared_task(name="ingestion.run")
def ingest(run_id: int) -> None:
    """Receive the message of a run, and do the work that INGESTION selects.

    A message is only a wake-up: it may come twice, late or never, and carries the id alone. The reconciler publishes
    it again while something can be done for the run.
    """
    try:
        WORK[current_app.flask_app.config["SETTINGS"].ingestion](run_id)
    except DatabaseUnavailable as error:
        log.warning("run work interrupted", run_id=run_id, reason=error.reason)


def _log(run_id: int) -> None:
    """Log the id of a run and change nothing: the run stays pending."""
    log.info("run received", run_id=run_id)


def _carry(run_id: int) -> None:
    work.carry(run_id, stopping=shutdown_flag.is_set)


WORK = {"noop": _log, "run": _carry}
"""The work for each value of the setting INGESTION."""
