"""Answer the companies of all users that wait for a board, from the last listings of the board."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Board, Listing, Outcome, Preview, PreviewCompany, ReadingState, SourceSwitch, UnitState
from app.services.boards.wants import has_fresh_content, has_just_failed
from app.services.previews import moves
from app.sources.adapters.registry import SOURCES
from app.sources.errors import SWITCHED_OFF

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
LISTINGS = table_of(Listing)
PREVIEWS = table_of(Preview)
SWITCHES = table_of(SourceSwitch)
UNITS = table_of(PreviewCompany)

UNKNOWN_SOURCE = "This version does not support the source “{}”, so it cannot read its boards."


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


def _answer(is_asked_for: ColumnElement[bool]) -> Select[Any]:
    """Build the statement that moves the waiting companies that meet the condition to READ or FAILED.

    It returns the preview of each company that it moves.
    """
    answers = _answers(is_asked_for)
    has_content = answers.c.content_listing_id.is_not(None)
    read = moves.answer(answers, answers.c.content_listing_id, has_content)
    failed = moves.fail(
        answers,
        ~has_content,
        **{name: answers.c[name] for name in ("listing_id", "outcome", "detail", "retry_at", "listed_at")},
    )
    moved = [each.returning(UNITS.c.preview_id).cte(name) for each, name in ((read, "read"), (failed, "failed"))]
    return select(moved[0].c.preview_id).union_all(select(moved[1].c.preview_id))  # type: ignore[return-value]


def _answers(is_asked_for: ColumnElement[bool]) -> CTE:
    """Choose and lock the companies that need not wait, each with its answer.

    A listing that did not fail is preferred. A board whose source is switched off, or unknown, will get no listing.
    """
    failure = LISTINGS.alias("failure")
    has_content = has_fresh_content(UNITS.c, BOARDS.c)
    has_failed = and_(failure.c.listing_id.is_not(None), has_just_failed(BOARDS.c))
    is_unknown = UNITS.c.source.not_in(list(SOURCES))
    is_off = SWITCHES.c.source.is_not(None)
    refusal = case(
        (is_unknown, func.replace(UNKNOWN_SOURCE, "{}", UNITS.c.source)),
        else_=func.replace(SWITCHED_OFF, "{}", _source_name()),
    )
    return moves.locking(
        select(
            UNITS.c.preview_id,
            UNITS.c.position,
            case((has_content, BOARDS.c.content_listing_id)).label("content_listing_id"),
            case((has_failed, failure.c.listing_id)).label("listing_id"),
            case(
                (has_failed, failure.c.code),
                (is_unknown, literal(Outcome.OUT_OF_TIME, LISTINGS.c.code.type)),
                else_=literal(Outcome.FORBIDDEN, LISTINGS.c.code.type),
            ).label("outcome"),
            case((has_failed, failure.c.sentence), else_=refusal).label("detail"),
            case((has_failed, failure.c.retry_at)).label("retry_at"),
            case((has_failed, failure.c.ended_at), else_=moves.NOW).label("listed_at"),
        )
        .join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .outerjoin(
            failure,
            and_(failure.c.listing_id == BOARDS.c.listing_id, failure.c.state == ReadingState.FAILED),
        )
        .outerjoin(SWITCHES, SWITCHES.c.source == UNITS.c.source)
        .where(is_asked_for, UNITS.c.state.in_(inline_literals([UnitState.WAITING])))
        .where(or_(has_content, has_failed, is_unknown, is_off))
    ).cte("answers")


def _source_name() -> ColumnElement[str]:
    """Build the SQL for the name of a company's source."""
    names: Sequence[tuple[Any, str]] = [(UNITS.c.source == source.key, source.name) for source in SOURCES.values()]
    return case(*names, else_=UNITS.c.source)


def _has(*states: UnitState) -> ColumnElement[bool]:
    units = select(UNITS.c.position).where(UNITS.c.preview_id == PREVIEWS.c.preview_id)
    return units.where(UNITS.c.state.in_(inline_literals(states))).exists()


HAVE_WORK = (
    select(PREVIEWS.c.preview_id)
    .where(PREVIEWS.c.preview_id == any_(bindparam("previews", type_=ARRAY(BigInteger))))
    .where(PREVIEWS.c.finished_at.is_(None), or_(_has(UnitState.READ), ~_has(UnitState.WAITING)))
    .order_by(PREVIEWS.c.preview_id)
)
"""The unfinished previews among these that have a company to decide on, or none that is unfinished."""

_LISTED = select(LISTINGS.c.board_id).where(LISTINGS.c.listing_id == bindparam("ended", type_=BigInteger))
ANSWER_BOARD = _answer(UNITS.c.board_id == _LISTED.scalar_subquery())
ANSWER_PREVIEW = _answer(UNITS.c.preview_id == bindparam("asking", type_=BigInteger))
