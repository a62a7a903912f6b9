"""The task that reads boards: a thin envelope around work that does not depend on Celery."""

from typing import Any

import structlog
from celery import current_app, shared_task
from celery.signals import worker_process_shutdown

from app.errors import DatabaseUnavailable
from app.services.boards import outbox, worker
from app.services.previews import answers as preview_answers
from app.services.previews import outbox as preview_outbox
from app.services.runs import answers as run_answers
from app.services.runs import outbox as run_outbox
from app.tasks import shutdown_flag

log = structlog.get_logger(__name__)

ANSWERS = (
    (preview_answers.answer_listing, preview_outbox.publish),
    (run_answers.answer_listing, run_outbox.publish),
)
"""The answers to units of each kind, and the publish of those whose units they are."""


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
    """Answer the units that wait for this listing, and publish those who have something to do. Commits.

    Raises the first error at the end: a fault with the previews keeps no run waiting, nor the other way round.
    """
    faults: list[Exception] = []
    for answer_listing, publish in ANSWERS:
        try:
            for requester_id in answer_listing(listing_id):
                publish(requester_id)
        except Exception as error:
            faults.append(error)
    for fault in faults[1:]:
        log.warning("another answer failed, too", listing_id=listing_id, reason=repr(fault))
    if faults:
        raise faults[0]


@worker_process_shutdown.connect
def _release_background(**_: Any) -> None:
    """Release the boards that a child still reads in the background when it ends, so that others need not wait."""
    with current_app.flask_app.app_context():
        worker.background.release()
