"""The task that reads boards: a thin envelope around work that does not depend on Celery."""

from typing import Any

import structlog
from celery import current_app, shared_task
from celery.signals import worker_process_shutdown

from app.errors import DatabaseUnavailable
from app.services.boards import outbox, worker
from app.services.previews import answers
from app.services.previews import outbox as preview_outbox
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)


@shared_task(name="boards.read")
def read_boards(waker_id: int) -> None:
    """Read boards that are wanted for a slice of time, and publish the message again if some are left.

    A message is only a wake-up: it may come twice, late or never. Each thread claims one board at a time. The boards of
    a dead worker are claimed again; the reconciler publishes while a board is wanted.
    """
    try:
        worker.work(lambda: outbox.wake_readers(waker_id, 1), answer, stopping=shutdown_flag.is_set)
    except DatabaseUnavailable as error:
        log.warning("reading interrupted", reason=error.reason)


def answer(listing_id: int) -> None:
    """Answer the units that wait for this listing, and publish those who have something to do. Commits."""
    for preview_id in answers.answer_listing(listing_id):
        preview_outbox.publish(preview_id)


@worker_process_shutdown.connect
def _release_background(**_: Any) -> None:
    """Release the boards that a child still reads in the background when it ends, so that others need not wait."""
    with current_app.flask_app.app_context():
        worker.background.release()
