"""Answers to the units that wait for a board: the part that previews and runs share.

A unit is answered by the last listing with content that is fresh enough, else by one that has just failed. The board of
a source that is switched off, or unknown, will get no listing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from app.db.clock import NOW
from app.extensions import table_of
from app.models import Listing, Outcome, ReadingState, SourceSwitch
from app.services.boards.requesters import Requesters
from app.services.boards.wants import BOARDS, has_fresh_content, has_just_failed, is_in_state_waiting
from app.sources.adapters.registry import SOURCES
from app.sources.errors import SWITCHED_OFF

LISTINGS = table_of(Listing)
SWITCHES = table_of(SourceSwitch)

ENDED_BOARD = (
    select(LISTINGS.c.board_id)
    .where(LISTINGS.c.listing_id == bindparam("ended", type_=BigInteger))
    .correlate(None)
    .scalar_subquery()
)
"""The board of the listing that has ended."""

UNKNOWN_SOURCE = "This version does not support the source “{}”, so it cannot read its boards."


def choose(requesters: Requesters, waiting: FromClause, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Select the units that meet the conditions and need not wait, each with its answer.

    ``waiting`` is the table of units, or a join with it. An answer ``has_content``, or is a failure. It has
    ``listing_id`` and ``listing_state`` (NULL if the source is switched off, or unknown), ``outcome``, ``detail``,
    ``retry_at``, ``ended_at`` and ``unparsed``. PostgreSQL leaves out the look-ups that a statement does not use.
    """
    units = requesters.units
    content, failure = LISTINGS.alias("content"), LISTINGS.alias("failure")
    has_content = has_fresh_content(units.c, BOARDS.c)
    has_failed = and_(failure.c.listing_id.is_not(None), has_just_failed(BOARDS.c))
    is_unknown = units.c.source.not_in(list(SOURCES))
    is_refused = or_(is_unknown, SWITCHES.c.source.is_not(None))
    # The time of a failure may end between the choice of a unit and this test.
    is_failure = or_(has_failed, ~is_refused)

    def answer(name: str, refused: ColumnElement[Any] | None = None) -> ColumnElement[Any]:
        return case((has_content, content.c[name]), (is_failure, failure.c[name]), else_=refused).label(name)

    return (
        select(
            requesters.unit_key,
            units.c.position,
            has_content.label("has_content"),
            answer("listing_id"),
            answer("state").label("listing_state"),
            answer("code", _refused_outcome(is_unknown)).label("outcome"),
            answer("sentence", _refusal(units, is_unknown)).label("detail"),
            answer("retry_at"),
            answer("ended_at", select(NOW).scalar_subquery()),
            answer("unparsed"),
        )
        .select_from(waiting)
        .join(BOARDS, BOARDS.c.board_id == units.c.board_id)
        .outerjoin(content, content.c.listing_id == BOARDS.c.content_listing_id)
        .outerjoin(
            failure, and_(failure.c.listing_id == BOARDS.c.listing_id, failure.c.state == ReadingState.FAILED)
        )
        .outerjoin(SWITCHES, SWITCHES.c.source == units.c.source)
        .where(is_in_state_waiting(units.c), *conditions)
        .where(or_(has_content, has_failed, is_refused))
    )


def moved(requesters: Requesters, read: Update, failed: Update) -> CompoundSelect[Any]:
    """Build the statement that makes both moves, and returns the requester's id of each unit that it moves."""
    key = requesters.unit_key
    moves = read.returning(key).cte("read"), failed.returning(key).cte("failed")
    return union_all(*[select(each.c[key.name]) for each in moves])


def has_waiting_unit(requesters: Requesters) -> ColumnElement[bool]:
    """Build the SQL condition that a unit of the requester waits."""
    units = requesters.units.c
    return exists().where(requesters.unit_key == requesters.key, is_in_state_waiting(units))


def count_waiting(requesters: Requesters) -> Select[int, int]:
    """Build the statement that counts the ``units`` of a requester under way that wait for their boards.

    It counts those whose boards are ``being_read``, too. The requester is ``asking``.
    """
    units, is_read = requesters.units, BOARDS.c.lease_until > select(NOW).scalar_subquery()
    return (
        select(func.count().label("units"), func.count().filter(is_read).label("being_read"))
        .select_from(units)
        .join(requesters.table, requesters.key == requesters.unit_key)
        .join(BOARDS, BOARDS.c.board_id == units.c.board_id)
        .where(requesters.unit_key == bindparam("asking", type_=BigInteger))
        .where(is_in_state_waiting(units.c), requesters.is_under_way)
    )


def _refused_outcome(is_unknown: ColumnElement[bool]) -> ColumnElement[Any]:
    code = LISTINGS.c.code.type
    return case((is_unknown, literal(Outcome.OUT_OF_TIME, code)), else_=literal(Outcome.FORBIDDEN, code))


def _refusal(units: FromClause, is_unknown: ColumnElement[bool]) -> ColumnElement[str]:
    """Build the SQL for the sentence that no listing will come."""
    names: Sequence[tuple[Any, str]] = [(units.c.source == source.key, source.name) for source in SOURCES.values()]
    name = case(*names, else_=units.c.source)
    return case(
        (is_unknown, func.replace(UNKNOWN_SOURCE, "{}", units.c.source)),
        else_=func.replace(SWITCHED_OFF, "{}", name),
    )
