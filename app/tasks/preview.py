"""The preview's task: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import shared_task

from app.errors import DatabaseUnavailable
from app.services.previews import work
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)


@shared_task(name="preview.run")
def run_preview(preview_id: int) -> None:
    """Answer a preview's companies from the listings of their boards, and have the other boards read.

    A message is only a wake-up: it may come twice, late or never. The reconciler publishes it again while the preview
    is unfinished.
    """
    try:
        work.work(preview_id, stopping=shutdown_flag.is_set)
    except DatabaseUnavailable as error:
        log.warning("preview work interrupted", preview_id=preview_id, reason=error.reason)
