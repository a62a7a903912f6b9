"""The postings that boards offer, decided on by the filters of companies. Previews and runs share it.

A board offers its open postings that are not missing. Nothing here is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ARRAY, BigInteger, Row, Select, any_, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Board, Listing, Outcome, Posting, PostingRevision, ReadingState
from app.sources.term_automaton import MAX_MATCHED_LENGTH
from app.sources.title_filter import Rule, TitleFilter

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
LISTINGS = table_of(Listing)
POSTINGS = table_of(Posting)
REVISIONS = table_of(PostingRevision)

MAX_POSTINGS = 5000
"""Postings whose titles are read at once."""


@dataclass(frozen=True)
class Filters:
    """The filters on titles of one company. They are compiled only when its postings are read."""

    include: Sequence[str]
    exclude: Sequence[str]


@dataclass(frozen=True)
class Decided:
    """The decisions on all postings that a board offers, and the facts of the listing that they belong to."""

    board_id: int
    listing_id: int
    """The board's last listing that has not failed."""
    state: ReadingState
    code: Outcome
    sentence: str | None
    unparsed: int | None
    ended_at: datetime
    by_rule: dict[Rule, tuple[list[int], list[int]]] = field(default_factory=lambda: defaultdict(lambda: ([], [])))
    """For each rule the ids of the postings that it decided, and those of their revisions, in the same order."""

    @property
    def found(self) -> int:
        """The number of postings that the board offers."""
        return sum(len(postings) for postings, _ in self.by_rule.values())

    @property
    def matched(self) -> int:
        """The number of postings that match the filters."""
        return sum(len(postings) for rule, (postings, _) in self.by_rule.items() if rule.is_match)


def decided(filters: Mapping[int, Filters]) -> Iterator[Decided]:
    """Read and decide on the postings of these boards, by ``board_id``, and yield the decisions on each board.

    The postings of a board are those of one listing, the last one of its board that has not failed. If another is
    stored between two pages, its postings are decided on from the start. A board without such a listing is left out,
    and so is one whose decisions raise an unexpected error, which is logged. Boards come in the order of their ids.
    Raises DatabaseUnavailable.
    """
    left = dict(filters)
    begun: _Decisions | None = None
    last = {"after_board": 0, "after_posting": 0}
    while left:
        rows = run_statement(FIND_OFFERED, boards=[*left], **last)
        incomplete = _incomplete(rows)
        for row in rows:
            if begun and begun.decided.listing_id != row.listing_id:
                begun, last = None, {"after_board": row.board_id, "after_posting": 0}
                break
            begun = _add(begun, left[row.board_id], row)
            if begun is None or row.board_id != incomplete:
                del left[row.board_id]
                if begun:
                    yield begun.decided
                begun = None
            if row.board_id == incomplete:
                last = {"after_board": row.board_id, "after_posting": row.postings[-1]}
                break
        else:
            return


class _Decisions:
    """The decisions on the postings of one board, as far as they were read."""

    def __init__(self, filters: Filters, offered: Row[Any]) -> None:
        facts = ("board_id", "listing_id", "state", "code", "sentence", "unparsed", "ended_at")
        self.decided = Decided(**{name: getattr(offered, name) for name in facts})
        self._filter = TitleFilter(filters.include, filters.exclude)

    def add(self, offered: Row[Any]) -> None:
        """Decide on some postings."""
        for posting_id, revision_id, title in zip(offered.postings, offered.revisions, offered.titles, strict=True):
            postings, revisions = self.decided.by_rule[self._filter.decide(title)]
            postings.append(posting_id)
            revisions.append(revision_id)


def _incomplete(rows: Sequence[Row[Any]]) -> int | None:
    """Return the board that may have more postings than were read, if there is one."""
    with_postings = [row for row in rows if row.postings]
    is_full = sum(len(row.postings) for row in with_postings) == MAX_POSTINGS
    return with_postings[-1].board_id if is_full else None


def _add(begun: _Decisions | None, filters: Filters, offered: Row[Any]) -> _Decisions | None:
    """Decide on some postings of a board. Return None after an unexpected error, which is logged."""
    try:
        begun = begun or _Decisions(filters, offered)
        if offered.postings:
            begun.add(offered)
    except Exception:
        log.exception("postings not decided", board_id=offered.board_id)
        return None
    return begun


def _find_offered() -> Select[Any]:
    """Build the selection of the next MAX_POSTINGS that some boards offer, as arrays by board.

    While a shrink is held, a board offers less: without those that the held listing lacks, which a second one may
    confirm. An empty board offers none. A partial listing changes neither: as long as the evidence stands, it has seen
    none of them. Each board has the listing that its postings belong to.
    """
    evidence = (BOARDS.c.held_listing_id, BOARDS.c.empty_listing_id)
    facts = ("listing_id", "state", "code", "sentence", "unparsed", "ended_at")
    asked = (
        select(BOARDS.c.board_id, *[LISTINGS.c[name] for name in facts], *evidence)
        .join(LISTINGS, LISTINGS.c.listing_id == BOARDS.c.content_listing_id)
        .where(BOARDS.c.board_id == any_(bindparam("boards", type_=ARRAY(BigInteger))))
        .cte("asked")
    )
    # A union instead of OR, so that listings are found by their primary key.
    last_held = select(asked.c.listing_id).where(asked.c.state == ReadingState.HELD)
    first_held = select(asked.c.held_listing_id.label("listing_id")).where(asked.c.held_listing_id.is_not(None))
    held = last_held.union(first_held).subquery("held")
    lacked = select(func.unnest(LISTINGS.c.lacking)).join(held, held.c.listing_id == LISTINGS.c.listing_id)
    last = tuple_(bindparam("after_board", type_=BigInteger), bindparam("after_posting", type_=BigInteger))
    offered = (
        select(asked.c.board_id, POSTINGS.c.posting_id, POSTINGS.c.revision_id)
        .join(asked, asked.c.board_id == POSTINGS.c.board_id)
        .where(POSTINGS.c.closed_at.is_(None), POSTINGS.c.missing_since.is_(None))
        .where(asked.c.state != ReadingState.EMPTY, asked.c.empty_listing_id.is_(None))
        .where(tuple_(asked.c.board_id, POSTINGS.c.posting_id) > last)
        # NOT IN, which PostgreSQL always hashes: with NOT EXISTS it may compare each posting with each lacking one.
        .where(POSTINGS.c.posting_id.not_in(lacked))
        .order_by(asked.c.board_id, POSTINGS.c.posting_id)
        .limit(MAX_POSTINGS)
        .cte("offered")
    )
    title = func.left(REVISIONS.c.title, MAX_MATCHED_LENGTH)
    arrays = {"postings": offered.c.posting_id, "revisions": offered.c.revision_id, "titles": title}
    ordered = {name: aggregate_order_by(each, offered.c.posting_id) for name, each in arrays.items()}
    by_board = (
        select(offered.c.board_id, *[func.array_agg(each).label(name) for name, each in ordered.items()])
        .join(REVISIONS, REVISIONS.c.revision_id == offered.c.revision_id)
        .group_by(offered.c.board_id)
        .subquery("by_board")
    )
    return (
        select(asked.c.board_id, *[asked.c[name] for name in facts], *[by_board.c[name] for name in arrays])
        .outerjoin(by_board, by_board.c.board_id == asked.c.board_id)
        .order_by(asked.c.board_id)
    )


FIND_OFFERED = _find_offered()
