"""The postings and the result of one company of a preview, stored under its lease, and its board's previous listing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import Company, ListingState, Outcome, Preview, PreviewCompany, PreviewPosting
from app.services.previews import leases
from app.services.previews.completion import record_last_listing
from app.sources.title_filter import MAX_MATCHED_LENGTH
from app.sources.types import Validators

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)
POSTINGS = table_of(PreviewPosting)

KEY = ("preview_id", "position", "external_id")
SHORT_TEXTS = ("external_id", "title", "url", "location", "department", "workplace", "employment_type")
LONG_TEXTS = ("description", "requirements")
TEXTS = (*SHORT_TEXTS, *LONG_TEXTS)
TIMES = ("posted_at", "updated_at")
UNIT_COLUMNS = ("preview_id", "position", "found", "unread")
DECISION = {"taken": Boolean, "rule_kind": Text, "rule_term": Text}
DECISION_COLUMNS = {"posting_id": BigInteger, **DECISION}
POSTING_COLUMNS = {**dict.fromkeys(TEXTS, Text), **dict.fromkeys(TIMES, DateTime(timezone=True)), **DECISION}
VALIDATOR_COLUMNS = ("etag", "last_modified", "read_at")

MAX_REUSE_HOURS = 24
"""Age up to which an unchanged listing is reused instead of read again."""

MAX_BATCH_LENGTH = 1_000_000
"""Characters of one statement's postings. Measured: PostgreSQL needs 13 MB for them, and 37 MB if all are emoji."""

MAX_BATCH_POSTINGS = 1000
"""Postings that one statement stores, copies or removes."""

Record = dict[str, Any]
"""A posting, or a decision on one, by column."""


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


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Divide postings into batches of at most MAX_BATCH_POSTINGS and MAX_BATCH_LENGTH, or of one that is longer."""
    batch: list[Record] = []
    length = 0
    for record in records:
        size = record.get("length") or sum(len(record.get(name) or "") for name in TEXTS)
        if batch and (length + size > MAX_BATCH_LENGTH or len(batch) == MAX_BATCH_POSTINGS):
            yield batch
            batch, length = [], 0
        batch.append(record)
        length += size
    if batch:
        yield batch


def store_postings(unit: Row[Any], postings: list[Record]) -> None:
    """Store a batch of postings with their decisions. Commits. Raises LeaseLost.

    A posting that is stored already is replaced, but keeps a text that the new one lacks. Nobody sees the postings
    before ``store_listing``.
    """
    held, records = leases.keep(unit), _recordset(_last_of_each(postings), POSTING_COLUMNS)
    names = [record.name for record in records.c]
    rows = select(held.c.preview_id, held.c.position, *records.c).join_from(held, records, literal(True))
    new = insert(POSTINGS).from_select(["preview_id", "position", *names], rows)
    values = {name: new.excluded[name] for name in names}
    kept = {name: func.coalesce(new.excluded[name], POSTINGS.c[name]) for name in LONG_TEXTS}
    new = new.on_conflict_do_update(index_elements=KEY, set_={**values, **kept})
    _run_guarded(select(held.c.position).add_cte(new.cte("stored")))


def previous_titles(previous: PreviousListing) -> Iterator[Row[Any]]:
    """Read the ids and titles of an earlier listing, page by page, with the length of each posting's texts in bytes."""
    last = 0
    # PostgreSQL reads the number of bytes without reading the text.
    lengths = [func.coalesce(func.octet_length(POSTINGS.c[name]), 0) for name in TEXTS]
    while True:
        rows = run_statement(
            select(
                POSTINGS.c.posting_id,
                func.left(POSTINGS.c.title, MAX_MATCHED_LENGTH).label("title"),
                reduce(add, lengths).label("length"),
            )
            .where(POSTINGS.c.preview_id == previous.preview_id, POSTINGS.c.position == previous.position)
            .where(POSTINGS.c.posting_id > last)
            .order_by(POSTINGS.c.posting_id)
            .limit(MAX_BATCH_POSTINGS)
        )
        yield from rows
        if len(rows) < MAX_BATCH_POSTINGS:
            return
        last = rows[-1].posting_id


def copy_postings(unit: Row[Any], decisions: list[Record]) -> int:
    """Copy a batch of an earlier listing's postings, by ``posting_id``, with new decisions. Commits.

    The texts do not leave PostgreSQL. Returns the number of copies: fewer, if the earlier listing was removed. Raises
    LeaseLost.
    """
    held, records = leases.keep(unit), _recordset(decisions, DECISION_COLUMNS)
    earlier = POSTINGS.alias("earlier")
    copied = (*TEXTS, *TIMES)
    values = [*[earlier.c[name] for name in copied], *[records.c[name] for name in DECISION]]
    rows = (
        select(held.c.preview_id, held.c.position, *values)
        .join_from(held, records, literal(True))
        .join(earlier, earlier.c.posting_id == records.c.posting_id)
        .order_by(earlier.c.posting_id)
    )
    new = insert(POSTINGS).from_select(["preview_id", "position", *copied, *DECISION], rows)
    added = new.returning(POSTINGS.c.posting_id).cte("added")
    copies = select(func.count()).select_from(added).scalar_subquery()
    return int(_run_guarded(select(copies.label("copies"), held.c.position)).copies)


def remove_postings(unit: Row[Any]) -> None:
    """Remove the postings that an attempt has stored for this company, in batches. Commits. Raises LeaseLost."""
    held = leases.keep(unit)
    some = (
        select(POSTINGS.c.posting_id)
        .join(held, and_(POSTINGS.c.preview_id == held.c.preview_id, POSTINGS.c.position == held.c.position))
        .limit(MAX_BATCH_POSTINGS)
    )
    removed = delete(POSTINGS).where(POSTINGS.c.posting_id.in_(some)).returning(POSTINGS.c.posting_id).cte("removed")
    count = select(func.count()).select_from(removed).scalar_subquery()
    while _run_guarded(select(count.label("removed"), held.c.position)).removed == MAX_BATCH_POSTINGS:
        continue


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


def _run_guarded(statement: Select[Any]) -> Row[Any]:
    """Execute a statement that ``leases.keep`` guards and return its row. Raises LeaseLost."""
    rows = run_statement(statement)
    if not rows:
        raise leases.LeaseLost
    return rows[0]


def _last_of_each(postings: list[Record]) -> list[Record]:
    """Return each posting once, because one statement cannot store a row twice. The last one counts."""
    found: dict[str, Record] = {}
    for posting in postings:
        earlier = found.get(posting["external_id"], {})
        texts = {name: posting[name] or earlier.get(name) for name in LONG_TEXTS}
        found[posting["external_id"]] = {**posting, **texts}
    return [*found.values()]


def _recordset(records: list[Record], columns: Mapping[str, Any]) -> FromClause:
    """Build a table of these records."""
    # Without ASCII escapes: an emoji would have 12 bytes instead of 4.
    document = cast(literal(json.dumps(records, ensure_ascii=False), Text), JSON)
    typed = [column(name, kind) for name, kind in columns.items()]
    return func.json_to_recordset(document).table_valued(*typed, name="record").render_derived(with_types=True)
