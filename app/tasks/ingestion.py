"""The ingestion task: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import shared_task

log = structlog.get_logger(__name__)


@shared_task(name="ingestion.run")
def ingest(run_id: int) -> None:
    """Receive the message of a run. This placeholder logs the run's id and changes nothing.

    The work that replaces it keeps this contract. A message is only a wake-up: it may come twice, late or never, and
    carries the id alone; everything else is read from PostgreSQL. The work claims the run (``transitions.claim``),
    advances it, ingests the postings in short guarded units, and finishes or fails it. ``RunMoved`` from any of these
    means that another worker has the run, or that the run was aborted: the work stops without another write.
    """
    log.info("run received", run_id=run_id)
