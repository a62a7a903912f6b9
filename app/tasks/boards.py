"""The task that reads boards: a thin envelope around work that does not depend on Celery."""

import structlog
from celery import shared_task

log = structlog.get_logger(__name__)


@shared_task(name="boards.read")
def read_boards() -> None:
    """Receive the message that boards are wanted."""
    log.info("boards received")
