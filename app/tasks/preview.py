"""The preview's task: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import shared_task

log = structlog.get_logger(__name__)


@shared_task(name="preview.run")
def run_preview(preview_id: int) -> None:
    """Receive the message of a preview."""
    log.info("preview received", preview_id=preview_id)
