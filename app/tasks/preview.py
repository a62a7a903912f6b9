"""The preview's task: a thin envelope around work that does not depend on Celery."""

from typing import Any

import structlog
from celery import current_app, shared_task
from celery.signals import worker_process_shutdown

from app.errors import DatabaseUnavailable
from app.services.previews import outbox, worker
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)


@shared_task(name="preview.run")
def run_preview(preview_id: int) -> None:
    """Work on a preview for a slice of time, and republish its message if companies are left.

    A message is only a wake-up: it may come twice, late or never. Each worker claims one company at a time. The
    companies of a dead worker are claimed again; the reconciler republishes their preview.
    """
    try:
        worker.work(preview_id, lambda: outbox.publish(preview_id), stopping=shutdown_flag.is_set)
    except DatabaseUnavailable as error:
        log.warning("preview work interrupted", preview_id=preview_id, reason=error.reason)


@worker_process_shutdown.connect
def _release_background(**_: Any) -> None:
    """Release the boards that a child still reads in the background when it ends, so that others need not wait."""
    with current_app.flask_app.app_context():
        worker.background.release()
