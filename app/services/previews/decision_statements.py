"""The statements by which a preview finds the postings that boards offer, and stores its decisions on them."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    FromClause,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import (
    Board,
    Listing,
    Posting,
    PostingRevision,
    PreviewCompany,
    PreviewPosting,
    ReadingState,
    UnitState,
)
from app.services.previews import moves
from app.sources.term_automaton import MAX_MATCHED_LENGTH

BOARDS = table_of(Board)
LISTINGS = table_of(Listing)
OFFERS = table_of(Posting)
POSTINGS = table_of(PreviewPosting)
REVISIONS = table_of(PostingRevision)
UNITS = table_of(PreviewCompany)

MAX_POSTINGS = 5000
"""Postings whose titles are read at once."""

MAX_UNITS = 200
"""Companies that are decided on and ended at once."""

PREVIEW = bindparam("preview", type_=BigInteger)
IS_READ = UNITS.c.state.in_(inline_literals([UnitState.READ]))

UNIT_COLUMNS = {"position": Integer, "listing_id": BigInteger}
RULE_COLUMNS = {
    "position": Integer,
    "matched": Boolean,
    "rule_kind": Text,
    "rule_term": Text,
    "postings": ARRAY(BigInteger),
    "revisions": ARRAY(BigInteger),
}


def _find_read() -> Select[Any]:
    """Build the selection of the next companies to decide on: those of MAX_POSTINGS, or one with more."""
    found = func.coalesce(LISTINGS.c.found, 0)
    total = func.sum(found).over(order_by=UNITS.c.position)
    sizes = (
        select(UNITS.c.position, found.label("found"), total.label("total"))
        .outerjoin(LISTINGS, LISTINGS.c.listing_id == UNITS.c.listing_id)
        .where(UNITS.c.preview_id == PREVIEW, IS_READ, UNITS.c.position > bindparam("after", type_=Integer))
        .order_by(UNITS.c.position)
        .limit(MAX_UNITS)
        .subquery("sizes")
    )
    is_first = sizes.c.total == sizes.c.found
    return (
        select(UNITS.c.position, UNITS.c.include, UNITS.c.exclude)
        .join(sizes, sizes.c.position == UNITS.c.position)
        .where(UNITS.c.preview_id == PREVIEW, or_(sizes.c.total <= MAX_POSTINGS, is_first))
        .order_by(UNITS.c.position)
    )


def _find_offered() -> Select[Any]:
    """Build the selection of the next MAX_POSTINGS that the boards of some companies offer, as arrays by company.

    A board offers its open postings that are not missing. While a shrink is held, it has some less: those that the held
    listing lacks, which a second one may confirm. An empty board has none. A partial listing changes neither: as long
    as the evidence stands, it has seen none of them. Each company has the listing that its postings belong to.
    """
    evidence = (BOARDS.c.held_listing_id, BOARDS.c.empty_listing_id)
    asked = (
        select(UNITS.c.position, BOARDS.c.board_id, LISTINGS.c.listing_id, LISTINGS.c.state, *evidence)
        .join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .join(LISTINGS, LISTINGS.c.listing_id == BOARDS.c.content_listing_id)
        .where(UNITS.c.preview_id == PREVIEW)
        .where(UNITS.c.position == any_(bindparam("positions", type_=ARRAY(Integer))))
        .cte("asked")
    )
    # A union instead of OR, so that listings are found by their primary key.
    last_held = select(asked.c.listing_id).where(asked.c.state == ReadingState.HELD)
    first_held = select(asked.c.held_listing_id.label("listing_id")).where(asked.c.held_listing_id.is_not(None))
    held = last_held.union(first_held).subquery("held")
    lacked = select(func.unnest(LISTINGS.c.lacking)).join(held, held.c.listing_id == LISTINGS.c.listing_id)
    last = tuple_(bindparam("position", type_=Integer), bindparam("posting_id", type_=BigInteger))
    offered = (
        select(asked.c.position, OFFERS.c.posting_id, OFFERS.c.revision_id)
        .join(asked, asked.c.board_id == OFFERS.c.board_id)
        .where(OFFERS.c.closed_at.is_(None), OFFERS.c.missing_since.is_(None))
        .where(asked.c.state != ReadingState.EMPTY, asked.c.empty_listing_id.is_(None))
        .where(tuple_(asked.c.position, OFFERS.c.posting_id) > last)
        # NOT IN, which PostgreSQL always hashes: with NOT EXISTS it may compare each posting with each lacking one.
        .where(OFFERS.c.posting_id.not_in(lacked))
        .order_by(asked.c.position, OFFERS.c.posting_id)
        .limit(MAX_POSTINGS)
        .cte("offered")
    )
    title = func.left(REVISIONS.c.title, MAX_MATCHED_LENGTH)
    arrays = {"postings": offered.c.posting_id, "revisions": offered.c.revision_id, "titles": title}
    ordered = {name: aggregate_order_by(each, offered.c.posting_id) for name, each in arrays.items()}
    by_company = (
        select(offered.c.position, *[func.array_agg(each).label(name) for name, each in ordered.items()])
        .join(REVISIONS, REVISIONS.c.revision_id == offered.c.revision_id)
        .group_by(offered.c.position)
        .subquery("by_company")
    )
    return (
        select(asked.c.position, asked.c.listing_id, *[by_company.c[name] for name in arrays])
        .outerjoin(by_company, by_company.c.position == asked.c.position)
        .order_by(asked.c.position)
    )


def _store() -> Select[Any]:
    """Build the statement that stores the decisions on some companies and ends these, unless they have ended already.

    A lock on each company comes first, so of two workers the second one stores nothing. The counts of a company are
    those of the rows stored.
    """
    units, rules = _recordset("units", UNIT_COLUMNS), _recordset("rules", RULE_COLUMNS)
    of_listing = ("listing_id", "state", "code", "sentence", "unparsed", "ended_at")
    held = moves.locking(
        select(UNITS.c.preview_id, UNITS.c.position, *[LISTINGS.c[name] for name in of_listing])
        .join(units, units.c.position == UNITS.c.position)
        .join(LISTINGS, LISTINGS.c.listing_id == units.c.listing_id)
        .where(UNITS.c.preview_id == PREVIEW, IS_READ)
    ).cte("held")
    ids = func.unnest(rules.c.postings, rules.c.revisions).table_valued("posting_id", "revision_id", name="ids")
    ids = ids.render_derived()
    names = ["preview_id", "posting_id", "position", "revision_id", "matched", "rule_kind", "rule_term"]
    rows = (
        select(
            held.c.preview_id, ids.c.posting_id, held.c.position, ids.c.revision_id,
            rules.c.matched, rules.c.rule_kind, rules.c.rule_term,
        )
        .select_from(rules)
        .join(held, held.c.position == rules.c.position)
        .join(ids, true())
        .order_by(ids.c.posting_id)
    )
    stored = insert(POSTINGS).from_select(names, rows).returning(POSTINGS.c.position, POSTINGS.c.matched).cte("stored")
    counts = (
        select(
            stored.c.position,
            func.count().label("found"),
            func.count().filter(stored.c.matched).label("matched"),
        )
        .group_by(stored.c.position)
        .subquery("counts")
    )
    counted = [func.coalesce(counts.c[name], 0).label(name) for name in ("found", "matched")]
    result = (
        select(held, *counted)
        .outerjoin(counts, counts.c.position == held.c.position)
        .cte("result")
    )
    whole = inline_literals([ReadingState.COMPLETE, ReadingState.UNCHANGED])
    ended = moves.store(
        result,
        **{name: result.c[name] for name in ("listing_id", "found", "matched", "unparsed")},
        is_complete=result.c.state.in_(whole),
        outcome=result.c.code,
        detail=result.c.sentence,
        listed_at=result.c.ended_at,
    )
    return select(ended.returning(UNITS.c.position).cte("ended").c.position)


def _recordset(name: str, columns: dict[str, Any]) -> FromClause:
    """Build a table of the records in the JSON text of a parameter."""
    document = cast(bindparam(name, type_=Text), JSON)
    typed = [column(each, kind) for each, kind in columns.items()]
    return func.json_to_recordset(document).table_valued(*typed, name=name).render_derived(with_types=True)


FIND_READ = _find_read()
FIND_OFFERED = _find_offered()
STORE = _store()
