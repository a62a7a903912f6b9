"""The postings of one company of a preview: stored, copied and removed in batches, under the company's lease."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    cast,
    column,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import PreviewPosting
from app.services.previews import leases
from app.sources.term_automaton import MAX_MATCHED_LENGTH

POSTINGS = table_of(PreviewPosting)

KEY = ("preview_id", "position", "external_id")
SHORT_TEXTS = ("external_id", "title", "url", "location", "department", "workplace", "employment_type")
LONG_TEXTS = ("description", "requirements")
TEXTS = (*SHORT_TEXTS, *LONG_TEXTS)
TIMES = ("posted_at", "updated_at")
DECISION = {"taken": Boolean, "rule_kind": Text, "rule_term": Text}
DECISION_COLUMNS = {"posting_id": BigInteger, **DECISION}
POSTING_COLUMNS = {**dict.fromkeys(TEXTS, Text), **dict.fromkeys(TIMES, DateTime(timezone=True)), **DECISION}

MAX_BATCH_LENGTH = 1_000_000
"""Characters of one statement's postings. Measured: PostgreSQL needs 13 MB for them, and 37 MB if all are emoji."""

MAX_BATCH_POSTINGS = 1000
"""Postings that one statement stores, copies or removes."""

Record = dict[str, Any]
"""A posting, or a decision on one, by column."""


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
    """Store a batch of different postings with their decisions. Commits. Raises LeaseLost.

    A posting that is stored already is replaced, but keeps a text that the new one lacks. The postings are invisible to
    users until ``results.store_listing``.
    """
    held, records = leases.keep(unit), _recordset(postings, POSTING_COLUMNS)
    names = [record.name for record in records.c]
    rows = select(held.c.preview_id, held.c.position, *records.c).join_from(held, records, literal(True))
    new = insert(POSTINGS).from_select(["preview_id", "position", *names], rows)
    values = {name: new.excluded[name] for name in names}
    kept = {name: func.coalesce(new.excluded[name], POSTINGS.c[name]) for name in LONG_TEXTS}
    new = new.on_conflict_do_update(index_elements=KEY, set_={**values, **kept})
    _run_guarded(select(held.c.position).add_cte(new.cte("stored")))


def previous_titles(preview_id: int, position: int) -> Iterator[Row[Any]]:
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
            .where(POSTINGS.c.preview_id == preview_id, POSTINGS.c.position == position)
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


def _run_guarded(statement: Select[Any]) -> Row[Any]:
    """Execute a statement that ``leases.keep`` guards and return its row. Raises LeaseLost."""
    rows = run_statement(statement)
    if not rows:
        raise leases.LeaseLost
    return rows[0]


def _recordset(records: list[Record], columns: Mapping[str, Any]) -> FromClause:
    """Build a table of these records."""
    # Without ASCII escapes: an emoji would have 12 bytes instead of 4.
    document = cast(literal(json.dumps(records, ensure_ascii=False), Text), JSON)
    typed = [column(name, kind) for name, kind in columns.items()]
    return func.json_to_recordset(document).table_valued(*typed, name="record").render_derived(with_types=True)
