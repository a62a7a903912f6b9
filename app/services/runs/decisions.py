"""Decide on the postings of boards that a run has listings of, and count those that its companies match.

No posting is stored here: each company is decided on once more when it is taken in. ``total_jobs`` of a run changes in
the statement that changes ``matched`` of its companies, so both agree at every commit.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Listing
from app.services.boards import offers
from app.services.boards.offers import MAX_POSTINGS, Decided, Filters
from app.services.runs import company_moves
from app.services.runs.company_moves import IS_READ, IS_UNDECIDED, RUNS, UNITS

LISTINGS = table_of(Listing)

MAX_COMPANIES = 200
"""Companies that are decided on at once."""

RUN = bindparam("run", type_=Integer)
PARTS = bindparam("seen_parts", type_=Integer)


def decide(run_id: int, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Decide on the companies of a run that are read and not decided on, several by one statement. Commits.

    Return False if ``is_over`` returned true before all were decided on. An unexpected error with one company is logged
    and leaves it as it is. Raises DatabaseUnavailable.
    """
    after = 0
    while companies := run_statement(FIND_READ, run=run_id, after=after):
        if is_over():
            return False
        _store(run_id, _decide(companies))
        after = companies[-1].position
    return True


def redecide(run_id: int, position: int, decided: Decided, parts: int) -> bool:
    """Replace the decisions on a company: its board has another listing by now. Commits. Raises DatabaseUnavailable.

    ``total_jobs`` changes by the difference. Return False and write nothing if the run has ended, if the company is
    not to be taken in any more, if another number of its parts is taken in, or if its decisions belong to a later
    listing.
    """
    return bool(_store(run_id, [(position, decided)], parts))


def _decide(companies: Sequence[Row[Any]]) -> Iterable[tuple[int, Decided]]:
    """Decide on the postings of these companies, and yield the position and the decisions of each."""
    positions = {company.board_id: company.position for company in companies}
    filters = {company.board_id: Filters(company.include, company.exclude) for company in companies}
    return ((positions[each.board_id], each) for each in offers.decided(filters))


def _store(run_id: int, decided: Iterable[tuple[int, Decided]], parts: int | None = None) -> Sequence[Row[Any]]:
    """Store the counts of these decisions. Commits. Without ``parts``, store those of undecided companies alone."""
    counts = [(position, each.listing_id, each.found, each.matched) for position, each in decided]
    if not counts:
        return []
    positions, listings, found, matched = map(list, zip(*counts, strict=True))
    return run_statement(
        STORE, run=run_id, positions=positions, listings=listings, offered=found, matches=matched, seen_parts=parts
    )


def _find_read() -> Select[Any]:
    """Build the selection of the next companies to decide on: those of MAX_POSTINGS, or one with more."""
    found = func.coalesce(LISTINGS.c.found, 0)
    total = func.sum(found).over(order_by=UNITS.c.position)
    columns = [UNITS.c[name] for name in ("position", "board_id", "include", "exclude")]
    sizes = (
        select(*columns, found.label("size"), total.label("total"))
        .outerjoin(LISTINGS, LISTINGS.c.listing_id == UNITS.c.listing_id)
        .where(UNITS.c.run_id == RUN, IS_UNDECIDED)
        .where(UNITS.c.position > bindparam("after", type_=Integer))
        .order_by(UNITS.c.position)
        .limit(MAX_COMPANIES)
        .subquery("sizes")
    )
    is_first = sizes.c.total == sizes.c.size
    return (
        select(*[sizes.c[column.name] for column in columns])
        .where(or_(sizes.c.total <= MAX_POSTINGS, is_first))
        .order_by(sizes.c.position)
    )


def _store_counts() -> ReturningUpdate[Any]:
    """Build the statement that writes the counts of companies, and adds the difference to their run.

    A lock on the run and on each company comes first. So of two workers that decide on a company at once, the second
    one adds nothing.
    """
    given = func.unnest(
        bindparam("positions", type_=ARRAY(Integer)),
        bindparam("listings", type_=ARRAY(BigInteger)),
        bindparam("offered", type_=ARRAY(Integer)),
        bindparam("matches", type_=ARRAY(Integer)),
    ).table_valued("position", "listing_id", "found", "matched")
    given = given.render_derived(name="given")
    run = company_moves.lock_runs(RUNS.c.id == RUN)
    is_first = and_(PARTS.is_(None), UNITS.c.matched.is_(None))
    # Listings of a board have growing ids. A worker with an older one was late.
    is_next = and_(UNITS.c.matched.is_not(None), UNITS.c.parts == PARTS, UNITS.c.listing_id <= given.c.listing_id)
    of_listing = ("listing_id", "state", "code", "sentence", "unparsed", "ended_at")
    held = company_moves.locking(
        select(UNITS.c.run_id, UNITS.c.position, func.coalesce(UNITS.c.matched, 0).label("before"))
        .add_columns(given.c.found, given.c.matched, *[LISTINGS.c[name] for name in of_listing])
        .join(run, run.c.id == UNITS.c.run_id)
        .join(given, given.c.position == UNITS.c.position)
        .join(LISTINGS, LISTINGS.c.listing_id == given.c.listing_id)
        .where(IS_READ, or_(is_first, is_next))
    ).cte("held")
    changed = (
        company_moves.change(
            held,
            **{name: held.c[name] for name in ("listing_id", "found", "matched", "unparsed")},
            listing_state=held.c.state,
            outcome=held.c.code,
            detail=held.c.sentence,
            read_at=held.c.ended_at,
        )
        .returning((UNITS.c.matched - held.c.before).label("more"))
        .cte("changed")
    )
    more = select(func.sum(changed.c.more)).scalar_subquery()
    total = func.coalesce(RUNS.c.total_jobs, 0) + more
    # The run makes progress, so its messages are counted anew.
    counted = update(RUNS).values(total_jobs=total, attempts=0, worker_seen_at=company_moves.NOW)
    return counted.where(RUNS.c.id == RUN, more.is_not(None)).returning(RUNS.c.id)


FIND_READ = _find_read()
STORE = _store_counts()
