"""Answer the companies of previews that wait for a board, from the last listings of the board."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, CompoundSelect, any_, bindparam, or_, select

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Preview, PreviewCompany, UnitState
from app.services.boards import answers
from app.services.boards.requesters import PREVIEW_REQUESTERS
from app.services.previews import moves

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)


def answer_listing(listing_id: int) -> list[int]:
    """Answer the companies of all users that wait for the board of this listing. Commits.

    Return the unfinished previews of those companies that have something to do: to decide on postings, or to finish.
    Their messages are to be published. Two statements: the second has its own snapshot, so of two calls that answer
    the last two companies of a preview at once, at least one sees that none is left.
    """
    answered = {row.preview_id for row in run_statement(ANSWER_BOARD, ended=listing_id)}
    return [row.preview_id for row in run_statement(HAVE_WORK, previews=sorted(answered))] if answered else []


def answer_preview(preview_id: int) -> int:
    """Answer the companies of a preview that need not wait, from the listings of their boards. Commits.

    Those of a source that is switched off, or that this version does not have, fail. Return the number answered.
    """
    return len(run_statement(ANSWER_PREVIEW, asking=preview_id))


def _answer(is_asked_for: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Build the statement that moves the waiting companies that meet the condition to READ or FAILED.

    It returns the preview of each company that it moves.
    """
    chosen = moves.locking(answers.choose(PREVIEW_REQUESTERS, UNITS, is_asked_for)).cte("answers")
    answer = chosen.c
    reason = {name: answer[name] for name in ("listing_id", "outcome", "detail", "retry_at")}
    read = moves.answer(chosen, answer.listing_id, answer.has_content)
    failed = moves.fail(chosen, ~answer.has_content, **reason, listed_at=answer.ended_at)
    return answers.moved(PREVIEW_REQUESTERS, read, failed)


def _has_read_company() -> ColumnElement[bool]:
    units = select(UNITS.c.position).where(UNITS.c.preview_id == PREVIEWS.c.preview_id)
    return units.where(UNITS.c.state.in_(inline_literals([UnitState.READ]))).exists()


HAVE_WORK = (
    select(PREVIEWS.c.preview_id)
    .where(PREVIEWS.c.preview_id == any_(bindparam("previews", type_=ARRAY(BigInteger))))
    .where(PREVIEWS.c.finished_at.is_(None))
    .where(or_(_has_read_company(), ~answers.has_waiting_unit(PREVIEW_REQUESTERS)))
    .order_by(PREVIEWS.c.preview_id)
)
"""The unfinished previews among these that have a company to decide on, or none that is unfinished."""

ANSWER_BOARD = _answer(UNITS.c.board_id == answers.ENDED_BOARD)
ANSWER_PREVIEW = _answer(UNITS.c.preview_id == bindparam("asking", type_=BigInteger))
