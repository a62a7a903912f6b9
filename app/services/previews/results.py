"""One company of a preview, listed or failed by whoever took it last; and what was known of its board before."""

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

WORDS = ("external_id", "title", "url", "location", "department", "workplace", "employment_type")
TEXTS = (*WORDS, "description", "requirements")
TIMES = ("posted_at", "updated_at")
FOUND_BEFORE = ("preview_id", "position", "found", "unread")
ASKED_BY = ("etag", "last_modified", "read_at")

KEPT_HOURS = 24
"""How long what did not change is taken from an earlier listing before it is read anew."""

LARGE = 1_000_000
"""Characters of text from which on storing a listing may take longer than a request's statement may."""

MANY = 500
"""Postings from which on reading them may take that long."""


@dataclass(frozen=True)
class PreviousListing:
    """An earlier listing whose postings are still there, and what to ask the source by whether they still hold."""

    preview_id: int
    position: int
    validators: Validators
    found: int
    unread: int
    read_at: datetime


@dataclass(frozen=True)
class ListingResult:
    """What a board offered, decided and ready to be stored: a dictionary for each posting."""

    postings: list[dict[str, Any]]
    is_complete: bool
    unread: int
    validators: Validators
    schema_version: int = 1
    """Of the source that read it."""
    read_at: datetime | None = None
    """When it was read, if that was not now: what did not change is as old as it was."""


def known_listing(preview_id: int, position: int, schema_version: int) -> PreviousListing | None:
    """Return the earlier listing of this company's board that its source can be asked about, or None. Changes nothing.

    Only the one that the company's validators are of will do; ``listed_at``, which both rows got from the same
    statement, tells. Of any other one the postings might be older than what the source answers about. Nor will one do
    that another version of the source's reader has read, or that was read more than KEPT_HOURS ago: what did not change
    would stay for ever as it was read then.
    """
    now, before, earlier = UNITS.alias("now"), UNITS.alias("before"), PREVIEWS.alias("earlier")
    mine = and_(COMPANIES.c.user_id == PREVIEWS.c.user_id, COMPANIES.c.board == now.c.board)
    listed = and_(before.c.state == ListingState.LISTED, before.c.listed_at == COMPANIES.c.listed_at)
    same = and_(before.c.source == now.c.source, before.c.board == now.c.board)
    his = and_(earlier.c.user_id == PREVIEWS.c.user_id, earlier.c.preview_id < preview_id)
    rows = run_statement(
        select(*[before.c[name] for name in FOUND_BEFORE], *[COMPANIES.c[name] for name in ASKED_BY])
        .select_from(now)
        .join(PREVIEWS, PREVIEWS.c.preview_id == now.c.preview_id)
        .join(COMPANIES, and_(mine, COMPANIES.c.source == now.c.source))
        .join(earlier, his)
        .join(before, and_(before.c.preview_id == earlier.c.preview_id, same, listed))
        .where(now.c.preview_id == preview_id, now.c.position == position)
        .where(func.coalesce(COMPANIES.c.etag, COMPANIES.c.last_modified).is_not(None))
        .where(COMPANIES.c.schema_version == schema_version, COMPANIES.c.read_at > seconds_from_now(-3600 * KEPT_HOURS))
        .order_by(before.c.preview_id.desc())
        .limit(1)
    )
    if not rows:
        return None
    found = rows[0]
    validators = Validators(found.etag, found.last_modified)
    return PreviousListing(found.preview_id, found.position, validators, found.found, found.unread, found.read_at)


def known_postings(known: PreviousListing) -> list[dict[str, Any]]:
    """Return the postings of an earlier listing, texts included, but not what was decided then. Changes nothing."""
    columns = [POSTINGS.c[name] for name in (*TEXTS, *TIMES)]
    of_it = and_(POSTINGS.c.preview_id == known.preview_id, POSTINGS.c.position == known.position)
    run = run_large_statement if known.found >= MANY else run_statement
    return [dict(row._mapping) for row in run(select(*columns).where(of_it).order_by(POSTINGS.c.posting_id))]


def store_listing(unit: Row[Any], found: ListingResult) -> bool:
    """Store what a board offered, if the company is still who took it last, and return whether it was. Commits."""
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
    # Of a listing that is not whole, "nothing new" would say nothing about the rest.
    etag, last_modified = (found.validators.etag, found.validators.last_modified) if found.is_complete else (None, None)
    told = record_last_listing(
        stored,
        etag=etag,
        last_modified=last_modified,
        read_at=found.read_at or func.now(),
        schema_version=found.schema_version,
    )
    statement = select(stored.c.position).add_cte(new.cte("added"), told.cte("told"))
    return bool((run_large_statement if _is_large(found.postings) else run_statement)(statement))


def store_failure(unit: Row[Any], outcome: Outcome, detail: str, retry_at: datetime | None = None) -> bool:
    """Store why a board could not be listed, if the company is still who took it last's. Commits.

    Returns whether it was.
    """
    failed = _complete_unit(unit, state=ListingState.FAILED, outcome=outcome, detail=detail, retry_at=retry_at)
    return bool(run_statement(select(failed.c.position).add_cte(record_last_listing(failed).cte("told"))))


def _complete_unit(unit: Row[Any], **values: Any) -> CTE:
    """The one place where a company comes to its end by its worker: guarded by its state and by who took it last."""
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
    return sum(map(len, texts)) >= LARGE


def _recordset(postings: list[dict[str, Any]]) -> FromClause:
    columns: list[ColumnElement[Any]] = [column(name, Text) for name in (*TEXTS, "rule_kind", "rule_term")]
    columns += [*[column(name, DateTime(timezone=True)) for name in TIMES], column("taken", Boolean)]
    records = func.jsonb_to_recordset(literal(postings, JSONB)).table_valued(*columns, name="posting")
    return records.render_derived(with_types=True)
