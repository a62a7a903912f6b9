"""The messages that wake the readers of boards. They carry no board: a reader claims the one whose turn it is."""

from app.config.settings import BOARD_THREADS
from app.observability import metrics
from app.services import publisher

MAX_WAKE_UPS = 4
"""The most messages for one preview or run. Each wakes a process, which reads BOARD_THREADS boards at a time."""

EXPIRE_SECONDS = 60
"""Age at which a message is dropped; the reconciler publishes another while a board is wanted."""

MESSAGE = publisher.MessageType(
    task="boards.read",
    subject="waker",
    # The wants are derived, so there is nothing to mark.
    mark_published=lambda _: None,
    expires=EXPIRE_SECONDS,
    publishes=metrics.READER_PUBLISHES,
)


def wake_readers(waker_id: int, boards: int) -> bool:
    """Publish messages for this many boards; return whether all were published. Raises nothing.

    ``waker_id`` is the preview or run that waits, for the log, or 0.
    """
    count = min(MAX_WAKE_UPS, -(-boards // BOARD_THREADS))
    return all(publisher.publish(MESSAGE, waker_id) for _ in range(count))
