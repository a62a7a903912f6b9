"""Boards as the operator sees them, and the age of the oldest waiting unit."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, true

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Board, Company, Listing, Posting, ReadingState
from app.services.boards.answers import has_waiting_unit
from app.services.boards.errors import BoardNotFound
from app.services.boards.requesters import REQUESTERS

BOARDS = table_of(Board)
LISTINGS = table_of(Listing)
POSTINGS = table_of(Posting)
COMPANIES = table_of(Company)

WITNESSES = {
    "held": BOARDS.c.held_listing_id,
    "empty": BOARDS.c.empty_listing_id,
    "gone": BOARDS.c.gone_listing_id,
    "gone_last": BOARDS.c.gone_last_listing_id,
}
"""The listings that are evidence about a board as a whole."""


class BoardState(StrEnum):
    """A state of boards by which the operator lists them."""

    FAILING = "failing"
    """Its last reading failed."""

    HELD = "held"
    """It lacks more than half of its postings, which no second listing has confirmed yet."""

    EMPTY = "empty"
    """It was empty at its last listings with content, although postings are open."""

    GONE = "gone"
    """It does not exist any more."""

    ON_HOLD = "on-hold"
    """The operator lets no listing make a posting missing or closed."""


def list_boards(source: str | None, state: BoardState | None, *, limit: int) -> tuple[Sequence[Row[Any]], bool]:
    """Return the boards that were listed last, at most ``limit``, and whether there are more.

    Each has ``state``, the class of its last listing, and the numbers ``open``, ``missing`` and ``users``.
    """
    last = LISTINGS.alias("last")
    chosen = (
        select(BOARDS.c.board_id, BOARDS.c.source, BOARDS.c.board, BOARDS.c.listed_at, last.c.state)
        .outerjoin_from(BOARDS, last, last.c.listing_id == BOARDS.c.listing_id)
        .order_by(BOARDS.c.listed_at.desc().nulls_last(), BOARDS.c.board_id)
        .limit(limit + 1)
    )
    if source:
        chosen = chosen.where(BOARDS.c.source == source)
    if state:
        chosen = chosen.where(_is_in(state, last.c.state))
    board = chosen.subquery("board")
    counts = _counts(board.c.board_id).lateral("counts")
    rows = run_statement(
        select(board, counts.c.open, counts.c.missing, counts.c.users)
        .join_from(board, counts, true())
        .order_by(board.c.listed_at.desc().nulls_last(), board.c.board_id)
    )
    return rows[:limit], len(rows) > limit


def find(source: str, board: str) -> int:
    """Return the id of a board. Raises BoardNotFound."""
    key = (BOARDS.c.source == source) & (BOARDS.c.board == board)
    rows = run_statement(select(BOARDS.c.board_id).where(key))
    if not rows:
        raise BoardNotFound(f"There is no board {board} of {source}.")
    return int(rows[0].board_id)


def get(board_id: int) -> Row[Any]:
    """Return a board with the numbers of its postings and users, and the listings that are evidence about it.

    ``first_missing_id`` is the listing that was the first to lack an open posting. Raises BoardNotFound.
    """
    counts = _counts(BOARDS.c.board_id).lateral("counts")
    columns: list[ColumnElement[Any]] = [*BOARDS.c, *counts.c]
    joined = BOARDS.join(counts, true())
    for name, listing_id in {**WITNESSES, "first_missing": counts.c.first_missing_id}.items():
        listing = LISTINGS.alias(name)
        joined = joined.outerjoin(listing, listing.c.listing_id == listing_id)
        columns.append(listing.c.began_at.label(f"{name}_began_at"))
        if name == "held":
            columns.append(func.cardinality(listing.c.lacking).label("held_lacking"))
    rows = run_statement(select(*columns).select_from(joined).where(BOARDS.c.board_id == board_id))
    if not rows:
        raise BoardNotFound(f"There is no board {board_id}.")
    return rows[0]


def last_listings(board_id: int, limit: int) -> Sequence[Row[Any]]:
    """Return the last readings of a board, the newest first."""
    listings = select(LISTINGS).where(LISTINGS.c.board_id == board_id)
    return run_statement(listings.order_by(LISTINGS.c.listing_id.desc()).limit(limit))


def get_listing(listing_id: int) -> Row[Any]:
    """Return a listing that exists."""
    return run_statement(select(LISTINGS).where(LISTINGS.c.listing_id == listing_id))[0]


def oldest_waiting_age() -> timedelta:
    """Return the age of the oldest unfinished preview or run under way of which a company waits, or zero.

    A run begins with its first message. Boards of sources that are switched off count too: their units fail at once,
    unless no worker works.
    """
    found: timedelta | None = run_statement(OLDEST_WAITING_AGE)[0][0]
    return found or timedelta(0)


def _is_in(state: BoardState, last_state: ColumnElement[Any]) -> ColumnElement[bool]:
    return {
        BoardState.FAILING: last_state == ReadingState.FAILED,
        BoardState.HELD: BOARDS.c.held_listing_id.is_not(None),
        BoardState.EMPTY: BOARDS.c.empty_listing_id.is_not(None),
        BoardState.GONE: BOARDS.c.gone_at.is_not(None),
        BoardState.ON_HOLD: BOARDS.c.is_on_hold,
    }[state]


def _counts(board_id: ColumnElement[int]) -> Select[Any]:
    """Select the numbers of a board's open and missing postings and of its users.

    The postings that were ever closed are not read.
    """
    users = select(func.count(COMPANIES.c.user_id.distinct())).where(COMPANIES.c.board_id == board_id)
    return select(
        func.count().label("open"),
        func.count(POSTINGS.c.missing_since).label("missing"),
        func.min(POSTINGS.c.missing_listing_id).label("first_missing_id"),
        users.correlate_except(COMPANIES).scalar_subquery().label("users"),
    ).where(POSTINGS.c.board_id == board_id, POSTINGS.c.closed_at.is_(None))


def _oldest_waiting_age() -> Select[timedelta]:
    """Build the statement for the age. A kind without waiters gives NULL, and LEAST skips NULLs."""
    begun = [
        select(func.min(kind.begun_at)).where(kind.is_unfinished, has_waiting_unit(kind)).scalar_subquery()
        for kind in REQUESTERS
    ]
    return select(func.clock_now() - func.least(*begun))


OLDEST_WAITING_AGE = _oldest_waiting_age()
