"""The result of one company of a preview, stored under its lease, and the previous listing of its board."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Row, Select, and_, case, func, literal, select, update

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import Company, ListingState, Outcome, Preview, PreviewCompany, PreviewPosting
from app.services.previews import leases
from app.services.previews.completion import record_last_listing
from app.services.previews.posting_batches import remove_postings
from app.sources.types import Validators

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)
POSTINGS = table_of(PreviewPosting)

UNIT_COLUMNS = ("preview_id", "position", "found", "unread")
VALIDATOR_COLUMNS = ("etag", "last_modified", "read_at")

MAX_REUSE_HOURS = 24
"""Age up to which an unchanged listing is reused instead of read again."""


@dataclass(frozen=True)
class PreviousListing:
    """An earlier listing whose postings are still stored, with the validators of a conditional request."""

    preview_id: int
    position: int
    validators: Validators
    found: int
    unread: int
    read_at: datetime


@dataclass(frozen=True)
class ListingResult:
    """The result of a listing whose postings are stored already."""

    is_complete: bool
    unread: int
    validators: Validators
    schema_version: int = 1
    """The ``schema_version`` of the source that read it."""
    read_at: datetime | None = None
    """Time at which it was read; None for now. A reused listing keeps its time."""


def previous_listing(preview_id: int, position: int, schema_version: int) -> PreviousListing | None:
    """Return the earlier listing of this company's board that a conditional request may reuse, or None.

    A 304 refers to the listing from which the validators came, so only that one may be reused; it has the company's
    ``listed_at``, because one statement wrote both. It must have been read by the same ``schema_version`` and within
    MAX_REUSE_HOURS, or an unchanged board would keep its old reading for ever.
    """
    now, before, earlier = UNITS.alias("now"), UNITS.alias("before"), PREVIEWS.alias("earlier")
    mine = and_(COMPANIES.c.user_id == PREVIEWS.c.user_id, COMPANIES.c.board == now.c.board)
    listed = and_(before.c.state == ListingState.LISTED, before.c.listed_at == COMPANIES.c.listed_at)
    same = and_(before.c.source == now.c.source, before.c.board == now.c.board)
    users_own = and_(earlier.c.user_id == PREVIEWS.c.user_id, earlier.c.preview_id < preview_id)
    rows = run_statement(
        select(*[before.c[name] for name in UNIT_COLUMNS], *[COMPANIES.c[name] for name in VALIDATOR_COLUMNS])
        .select_from(now)
        .join(PREVIEWS, PREVIEWS.c.preview_id == now.c.preview_id)
        .join(COMPANIES, and_(mine, COMPANIES.c.source == now.c.source))
        .join(earlier, users_own)
        .join(before, and_(before.c.preview_id == earlier.c.preview_id, same, listed))
        .where(now.c.preview_id == preview_id, now.c.position == position)
        .where(func.coalesce(COMPANIES.c.etag, COMPANIES.c.last_modified).is_not(None))
        .where(COMPANIES.c.schema_version == schema_version)
        .where(COMPANIES.c.read_at > seconds_from_now(-3600 * MAX_REUSE_HOURS))
        .order_by(before.c.preview_id.desc())
        .limit(1)
    )
    if not rows:
        return None
    found = rows[0]
    validators = Validators(found.etag, found.last_modified)
    return PreviousListing(found.preview_id, found.position, validators, found.found, found.unread, found.read_at)


def store_listing(unit: Row[Any], found: ListingResult) -> bool:
    """End a company whose postings are stored, if the caller still holds the lease. Commits.

    Its counts are those of the stored postings. Returns whether it was ended.
    """
    mine = and_(POSTINGS.c.preview_id == unit.preview_id, POSTINGS.c.position == unit.position)
    offered = select(func.count()).where(mine).scalar_subquery()
    is_empty = and_(offered == 0, literal(found.unread) == 0)
    stored = _complete_unit(
        unit,
        state=ListingState.LISTED,
        outcome=case((is_empty, Outcome.EMPTY.value), else_=Outcome.OK.value),
        is_complete=found.is_complete,
        found=offered,
        taken=select(func.count()).where(mine, POSTINGS.c.taken).scalar_subquery(),
        unread=found.unread,
    )
    # The validators of an incomplete listing are not kept: a 304 would not cover its missing postings.
    etag, last_modified = (found.validators.etag, found.validators.last_modified) if found.is_complete else (None, None)
    recorded = record_last_listing(
        stored,
        etag=etag,
        last_modified=last_modified,
        read_at=found.read_at or func.now(),
        schema_version=found.schema_version,
    )
    return bool(run_statement(select(stored.c.position).add_cte(recorded.cte("recorded"))))


def store_failure(unit: Row[Any], outcome: Outcome, detail: str, retry_at: datetime | None = None) -> bool:
    """Store the reason why a board could not be listed, if the caller still holds the lease. Commits.

    It is recorded as the last listing of the company's board. Returns whether it was stored.
    """
    failed = _complete_unit(unit, state=ListingState.FAILED, outcome=outcome, detail=detail, retry_at=retry_at)
    return _run_failure(unit, select(failed.c.position).add_cte(record_last_listing(failed).cte("recorded")))


def store_fault(unit: Row[Any], detail: str) -> bool:
    """Fail a company for a reason that is not its board's, if the caller still holds the lease. Commits.

    The last listing of its board is left as it was. Returns whether it was stored.
    """
    failed = _complete_unit(unit, state=ListingState.FAILED, outcome=Outcome.OUT_OF_TIME, detail=detail)
    return _run_failure(unit, select(failed.c.position))


def _run_failure(unit: Row[Any], statement: Select[Any]) -> bool:
    """Remove what a failed company has stored, and execute the statement that ends it. Returns whether it did."""
    try:
        remove_postings(unit)
    except leases.LeaseLost:
        return False
    return bool(run_statement(statement))


def _complete_unit(unit: Row[Any], **values: Any) -> CTE:
    """Build the UPDATE that ends a company's work, guarded by its state and its lease. No worker ends it elsewhere."""
    return (
        update(UNITS)
        .where(UNITS.c.preview_id == unit.preview_id, UNITS.c.position == unit.position)
        .where(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_id == unit.lease_id)
        .where(PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .values(lease_until=None, lease_id=None, listed_at=func.now(), **values)
        .returning(*UNITS.c, PREVIEWS.c.user_id)
        .cte("done")
    )
