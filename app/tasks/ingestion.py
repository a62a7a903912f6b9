"""The ingestion task: a thin envelope around work that knows nothing of Celery."""

import structlog
from celery import shared_task

log = structlog.get_logger(__name__)


@shared_task(name="ingestion.run")
def ingest(run_id: int) -> None:
    """Receive the message of a run. A placeholder: it logs the run's id and changes nothing.

    The contract of the work that takes its place: a message is only a wake-up, may come twice, late or never, and
    carries the id alone. The work claims the run (``runs.claim``), advances it, takes the postings in by short guarded
    units, and finishes or fails it; ``RunMoved`` from any of these means that the run is somebody else's or aborted,
    and the work stops without another write. What it needs it reads from PostgreSQL.
    """
    log.info("run received", run_id=run_id)
