"""The result of one company of a preview, stored under its lease, and the previous listing of its board."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Row,
    Text,
    and_,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.execute import run_large_statement, run_statement, seconds_from_now
from app.extensions import table_of
from app.models import Company, ListingState, Outcome, Preview, PreviewCompany, PreviewPosting
from app.services.previews.completion import record_last_listing
from app.sources.types import Validators

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)
POSTINGS = table_of(PreviewPosting)

SHORT_TEXTS = ("external_id", "title", "url", "location", "department", "workplace", "employment_type")
TEXTS = (*SHORT_TEXTS, "description", "requirements")
TIMES = ("posted_at", "updated_at")
UNIT_COLUMNS = ("preview_id", "position", "found", "unread")
VALIDATOR_COLUMNS = ("etag", "last_modified", "read_at")

MAX_REUSE_HOURS = 24
"""Age up to which an unchanged listing is reused instead of read again."""

LARGE_TEXT_LENGTH = 1_000_000
"""Characters from which storing a listing may exceed the timeout of an ordinary statement."""

MANY_POSTINGS = 500
"""Postings from which reading them may exceed it."""


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
    """The postings of a board with the filters' decisions, a dictionary each, ready to be stored."""

    postings: list[dict[str, Any]]
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


def previous_postings(previous: PreviousListing) -> list[dict[str, Any]]:
    """Return the postings of an earlier listing with their texts, but without the filters' decisions."""
    columns = [POSTINGS.c[name] for name in (*TEXTS, *TIMES)]
    of_listing = and_(POSTINGS.c.preview_id == previous.preview_id, POSTINGS.c.position == previous.position)
    run = run_large_statement if previous.found >= MANY_POSTINGS else run_statement
    return [dict(row._mapping) for row in run(select(*columns).where(of_listing).order_by(POSTINGS.c.posting_id))]


def store_listing(unit: Row[Any], found: ListingResult) -> bool:
    """Store a listing if the caller still holds the lease. Commits. Returns whether it was stored."""
    offered = len(found.postings)
    stored = _complete_unit(
        unit,
        state=ListingState.LISTED,
        outcome=Outcome.OK if offered or found.unread else Outcome.EMPTY,
        is_complete=found.is_complete,
        found=offered,
        taken=sum(posting["taken"] for posting in found.postings),
        unread=found.unread,
    )
    records = _recordset(found.postings)
    names = [record.name for record in records.c]
    rows = select(stored.c.preview_id, stored.c.position, *records.c).join_from(stored, records, literal(True))
    new = insert(POSTINGS).from_select(["preview_id", "position", *names], rows)
    # The validators of an incomplete listing are not kept: a 304 would not cover its missing postings.
    etag, last_modified = (found.validators.etag, found.validators.last_modified) if found.is_complete else (None, None)
    recorded = record_last_listing(
        stored,
        etag=etag,
        last_modified=last_modified,
        read_at=found.read_at or func.now(),
        schema_version=found.schema_version,
    )
    statement = select(stored.c.position).add_cte(new.cte("added"), recorded.cte("recorded"))
    return bool((run_large_statement if _is_large(found.postings) else run_statement)(statement))


def store_failure(unit: Row[Any], outcome: Outcome, detail: str, retry_at: datetime | None = None) -> bool:
    """Store the reason why a board could not be listed, if the caller still holds the lease. Commits.

    Returns whether it was stored.
    """
    failed = _complete_unit(unit, state=ListingState.FAILED, outcome=outcome, detail=detail, retry_at=retry_at)
    return bool(run_statement(select(failed.c.position).add_cte(record_last_listing(failed).cte("recorded"))))


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


def _is_large(postings: list[dict[str, Any]]) -> bool:
    texts = (posting[name] or "" for posting in postings for name in ("title", "description", "requirements"))
    return sum(map(len, texts)) >= LARGE_TEXT_LENGTH


def _recordset(postings: list[dict[str, Any]]) -> FromClause:
    columns: list[ColumnElement[Any]] = [column(name, Text) for name in (*TEXTS, "rule_kind", "rule_term")]
    columns += [*[column(name, DateTime(timezone=True)) for name in TIMES], column("taken", Boolean)]
    records = func.jsonb_to_recordset(literal(postings, JSONB)).table_valued(*columns, name="posting")
    return records.render_derived(with_types=True)
