"""The work on a preview, independent of messages: answer its companies, decide on postings, finish it.

Nothing here waits for a board. A message may come twice, late or never: each statement finds what is still to do.
"""

import time
from collections.abc import Callable

import structlog

from app.db.execute import run_statement
from app.services.boards import outbox as board_outbox
from app.services.boards.answers import count_waiting
from app.services.boards.requesters import PREVIEW_REQUESTERS
from app.services.previews import answers, completion, decisions, outbox

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20
"""Time spent on one message before others have their turn. Companies that are decided on already are stored."""

WAITING = count_waiting(PREVIEW_REQUESTERS)


def work(
    preview_id: int,
    wake_readers: Callable[[int, int], object] = board_outbox.wake_readers,
    republish: Callable[[int], object] = outbox.publish,
    stopping: Callable[[], bool] = lambda: False,
    seconds: float = SLICE_SECONDS,
) -> None:
    """Do what can be done for a preview without reading a board. Commits. Raises DatabaseUnavailable.

    If companies wait and none of their boards is being read, ``wake_readers`` gets the preview and their number.
    Readers at work publish their own message while boards are left. Once ``stopping`` returns true, or after the slice,
    the preview is left to the message that ``republish`` publishes.
    """
    until = time.monotonic() + seconds
    answers.answer_preview(preview_id)
    if not decisions.decide(preview_id, lambda: stopping() or time.monotonic() >= until):
        republish(preview_id)
    elif completion.finish_if_done(preview_id):
        log.info("preview finished", preview_id=preview_id)
        return
    waiting = run_statement(WAITING, asking=preview_id)[0]
    if waiting.units and not waiting.being_read:
        wake_readers(preview_id, waiting.units)
