"""A board under two names: a user who adds a board that they have under another name is told so.

A board has several names if the company's own domain leads to it beside the system's, or if its source ignores the
case of letters or a leading ``www.``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
)

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Board, Company, Listing, Posting
from app.sources.adapters.registry import SOURCES
from app.sources.board_token import TOKEN_PLACEHOLDER

COMPANIES = table_of(Company)
BOARDS = table_of(Board)
LISTINGS = table_of(Listing)
POSTINGS = table_of(Posting)

MIN_SHARED_POSTINGS = 5
"""Fewer shared postings prove nothing: small numbers occur as ids on many websites."""

MIN_SHARE = 0.9
"""The least share of the smaller board's postings that two names of one board have in common."""

MAX_COMPARED_IDS = 1000
"""The ids of a board that are compared. The share of a larger board is estimated from them."""

MAX_TRIED_IDS = 20
"""The ids that are tried on every other board of the user. One with none of them is not compared further."""

HOST_SOURCES = [
    key for key, source in SOURCES.items() if any(TOKEN_PLACEHOLDER in base for base in source.bases.values())
]
"""The sources where a name with a dot is a host. A host is the same site at each of them."""


@dataclass(frozen=True)
class SameBoard:
    """A company of the user whose board is the same under another name."""

    company_id: int
    name: str


def find_stored(user_id: int, source: str, board: str) -> SameBoard | None:
    """Return the user's company with this board under another name, by the names or by the stored postings."""
    rows = run_statement(SAME_AS_STORED, user_id=user_id, source=source, board=board)
    return SameBoard(rows[0].company_id, rows[0].name) if rows else None


def find_listed(user_id: int, source: str, board: str, ids: Sequence[str], postings: int) -> SameBoard | None:
    """Return the user's company with the board that was just listed, by the names or by the board's postings.

    ``ids`` are external ids of its ``postings``; the first MAX_COMPARED_IDS are enough.
    """
    compared = list(ids[:MAX_COMPARED_IDS])
    rows = run_statement(SAME_AS_LISTED, user_id=user_id, source=source, board=board, ids=compared, found=postings)
    return SameBoard(rows[0].company_id, rows[0].name) if rows else None


def _same_as(ids: ColumnElement[Any], found: ColumnElement[Any]) -> Select[Any]:
    """Build the statement that finds the company whose board has the name in another form, or shares these ids.

    Its cost is bounded: MAX_TRIED_IDS look-ups for each company of the source, and MAX_COMPARED_IDS for similar boards.
    """
    this = select(ids.label("ids"), found.label("found")).cte("this")
    near = _near(_others(), this)
    hits = _count_open(near.c.board_id, this.c.ids)
    compared = func.cardinality(this.c.ids)
    # The shared postings are estimated as hits / compared * found. Without a division there is none by zero.
    smaller = func.least(func.greatest(this.c.found, compared), near.c.found)
    shares_most = hits * func.greatest(this.c.found, compared) >= MIN_SHARE * compared * smaller
    return (
        select(near.c.company_id, near.c.name)
        .join_from(near, this, true())
        .where(or_(near.c.has_same_name, (hits >= MIN_SHARED_POSTINGS) & shares_most))
        .order_by(near.c.has_same_name.desc(), near.c.company_id)
        .limit(1)
    )


def _others() -> CTE:
    """Select the user's other companies that may have the board, with the postings of the last listing with content."""
    source, board = bindparam("source", type_=String), bindparam("board", type_=String)
    has_same_name = _plain(COMPANIES.c.board) == _plain(board)
    is_host = COMPANIES.c.source.in_(HOST_SOURCES) & source.in_(HOST_SOURCES) & (func.strpos(board, ".") > 0)
    joined = COMPANIES.outerjoin(BOARDS, BOARDS.c.board_id == COMPANIES.c.board_id)
    joined = joined.outerjoin(LISTINGS, LISTINGS.c.listing_id == BOARDS.c.content_listing_id)
    columns = [COMPANIES.c.company_id, COMPANIES.c.name, COMPANIES.c.board_id, LISTINGS.c.found]
    return (
        select(*columns, has_same_name.label("has_same_name"))
        .select_from(joined)
        .where(
            COMPANIES.c.user_id == bindparam("user_id", type_=BigInteger),
            or_(
                (COMPANIES.c.source == source) & (COMPANIES.c.board != board),
                (COMPANIES.c.source != source) & is_host & has_same_name,
            ),
        )
        .cte("others")
        .prefix_with("MATERIALIZED")
    )


def _near(others: CTE, this: CTE) -> CTE:
    """Select those whose name is the same, or who have one of the first ids."""
    tried = literal_column(f"this.ids[1:{MAX_TRIED_IDS}]", ARRAY(Text))
    is_near = (others.c.found >= MIN_SHARED_POSTINGS) & (_count_open(others.c.board_id, tried) > 0)
    near = select(others).join_from(others, this, true()).where(or_(others.c.has_same_name, is_near))
    return near.cte("near").prefix_with("MATERIALIZED")


def _count_open(board_id: ColumnElement[int], ids: ColumnElement[Any]) -> ColumnElement[int]:
    """Build the SQL of the number of these ids that are open postings of the board.

    Each id is a look-up of its own by the unique key. A join, or ``closed_at`` as a condition, which fits the index of
    open postings, would lead the planner to read all 60,000 postings of a board for each id (measured: more than 5 s).
    """
    each = func.unnest(ids).table_valued("id", name="each").render_derived()
    key = (POSTINGS.c.board_id == board_id) & (POSTINGS.c.external_id == each.c.id)
    posting = select(case((POSTINGS.c.closed_at.is_(None), 1))).where(key).correlate_except(POSTINGS)
    return select(func.count(posting.scalar_subquery())).select_from(each).correlate_except(each).scalar_subquery()


def _plain(name: ColumnElement[Any]) -> ColumnElement[str]:
    """Build the SQL of a name in lower case, without ``www.`` at its begin or after its region, or a dot at its end."""
    pattern: ColumnElement[str] = literal_column(r"'^([^:]*:)?www\.|\.$'")
    return func.regexp_replace(func.lower(name), pattern, literal_column(r"'\1'"), literal_column("'g'"))


def _stored() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Build the SQL of the first open postings' ids of the board, and of the number that it was last found to have."""
    key = (BOARDS.c.source == bindparam("source", type_=String)) & (BOARDS.c.board == bindparam("board", type_=String))
    board_id = select(BOARDS.c.board_id).where(key).scalar_subquery()
    is_open = (POSTINGS.c.board_id == board_id) & POSTINGS.c.closed_at.is_(None)
    ids = func.array(select(POSTINGS.c.external_id).where(is_open).limit(MAX_COMPARED_IDS).scalar_subquery())
    listed = LISTINGS.join(BOARDS, BOARDS.c.content_listing_id == LISTINGS.c.listing_id)
    return cast(ids, ARRAY(Text)), select(LISTINGS.c.found).select_from(listed).where(key).scalar_subquery()


SAME_AS_STORED = _same_as(*_stored())
SAME_AS_LISTED = _same_as(bindparam("ids", type_=ARRAY(Text)), bindparam("found", type_=Integer))
