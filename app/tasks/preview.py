"""The preview's task: a thin envelope around work that knows nothing of Celery; and its message."""

import structlog
from celery import shared_task

from app import stopping
from app.errors import DatabaseUnavailable
from app.observability import metrics
from app.services import preview_dispatches, preview_work, previews
from app.tasks.dispatch import Message, hand_over

log = structlog.get_logger(__name__)


@shared_task(name="preview.run")
def run_preview(preview_id: int) -> None:
    """Work on a preview for a slice of time, and publish its message again if something is left.

    A message is only a wake-up: it may come twice, late or never. Whoever works takes company by company, and what a
    worker leaves behind is taken again; the reconciler sees to it.
    """
    try:
        preview_work.work(preview_id, lambda: publish(preview_id), stopping=stopping.has_begun)
    except DatabaseUnavailable as error:
        log.warning("preview not worked on", preview_id=preview_id, reason=error.reason)


MESSAGE = Message(
    task=run_preview.name,
    subject="preview",
    stamp=preview_dispatches.stamp,
    # Published again after each back-off, so no more than two of them wait for a worker.
    expires=preview_dispatches.BACK_OFF * 2,
    publishes=metrics.PREVIEW_PUBLISHES,
)


def begin_preview(user_id: int) -> tuple[int, bool]:
    """Begin a preview, commit it, publish its message; returns its id and whether it is new.

    Raises what ``previews.begin`` raises, and nothing for the broker.
    """
    preview_id, is_new = previews.begin(user_id)
    if is_new:
        publish(preview_id)
    return preview_id, is_new


def publish(preview_id: int) -> bool:
    """Hand the preview's message to the broker, as ``hand_over`` does."""
    return hand_over(MESSAGE, preview_id)
