"""The statements by which a preview finds the companies to decide on, and stores the decisions on their postings."""

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
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    true,
)

from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import Listing, PreviewCompany, PreviewPosting, ReadingState, UnitState
from app.services.boards.offers import MAX_POSTINGS
from app.services.previews import moves

LISTINGS = table_of(Listing)
POSTINGS = table_of(PreviewPosting)
UNITS = table_of(PreviewCompany)

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
        select(UNITS.c.position, UNITS.c.board_id, UNITS.c.include, UNITS.c.exclude)
        .join(sizes, sizes.c.position == UNITS.c.position)
        .where(UNITS.c.preview_id == PREVIEW, or_(sizes.c.total <= MAX_POSTINGS, is_first))
        .order_by(UNITS.c.position)
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
STORE = _store()
