"""The work on a preview, independent of messages: answer its companies, decide on postings, finish it.

Nothing here waits for a board. A message may come twice, late or never: each statement finds what is still to do.
"""

import time
from collections.abc import Callable

import structlog
from sqlalchemy import BigInteger, bindparam, func, select

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Board, Preview, PreviewCompany, UnitState
from app.services.boards import outbox as board_outbox
from app.services.previews import answers, completion, decisions, moves, outbox

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

SLICE_SECONDS = 20
"""Time spent on one message before others have their turn. Companies that are decided on already are stored."""

WAITING = (
    select(
        func.count().label("units"),
        func.count().filter(BOARDS.c.lease_until > moves.NOW).label("being_read"),
    )
    .select_from(UNITS)
    .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
    .join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
    .where(UNITS.c.preview_id == bindparam("preview_id", type_=BigInteger))
    .where(UNITS.c.state.in_(inline_literals([UnitState.WAITING])))
    .where(PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.deadline_at > moves.NOW)
)
"""The number of companies of a preview under way that wait for their boards, and how many of these are being read."""


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
    waiting = run_statement(WAITING, preview_id=preview_id)[0]
    if waiting.units and not waiting.being_read:
        wake_readers(preview_id, waiting.units)
