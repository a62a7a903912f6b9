"""The revisions of a listing under construction: stored in batches, under the board's lease."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Integer, Row, Text, Uuid, bindparam, text

from app.db.execute import run_statement
from app.services.boards.claim import Claim
from app.services.boards.content import HASH_VERSION, simhash
from app.services.boards.errors import LeaseLost
from app.sources.types import Posting

MAX_BATCH_LENGTH = 1_000_000
"""Characters of one statement's postings: 4 MB at most. PostgreSQL needs 13 MB for them, and 37 MB if all are emoji."""

MAX_BATCH_POSTINGS = 1000
"""Postings that one statement stores, and revisions that one removes."""

COLUMNS = tuple(field.name for field in fields(Posting))

GUARD = [
    bindparam("board", type_=BigInteger),
    bindparam("lease", type_=Uuid),
    bindparam("listing", type_=BigInteger),
    bindparam("schema", type_=Integer),
]

HELD = """
held AS MATERIALIZED (
    SELECT board_id FROM boards
    WHERE board_id = :board AND lease_id = :lease AND coalesce(schema_version, 0) <= :schema
      AND EXISTS (SELECT FROM listings WHERE listings.listing_id = :listing AND state = 'reading')
    FOR NO KEY UPDATE
)"""
"""The guard: it has a row only while the caller holds the lease, and nobody else can claim the board meanwhile.

A stronger lock would make everybody wait who adds a company of this board."""

# LATERAL … LIMIT 1 holds the planner to one look into an index for each posting, however many were ever closed.
STORE = text(
    f"""
WITH {HELD},
given AS MATERIALIZED (
    SELECT record.*, known.posting_id, known.revision_id AS known_id,
           known.content_hash = record.content_hash AND known.hash_version = record.hash_version AS is_same
    FROM held CROSS JOIN json_to_recordset(CAST(:document AS json)) AS record (
        external_id text, title text, url text, locations text[], department text, workplace text,
        employment_type text, pay jsonb, posted_at timestamptz, updated_at timestamptz, description text,
        requirements text, content_hash bigint, hash_version smallint, simhash bigint
    )
    LEFT JOIN LATERAL (
        SELECT posting_id, revision_id, content_hash, hash_version FROM postings
        WHERE postings.board_id = :board AND postings.external_id = record.external_id LIMIT 1
    ) AS known ON true
),
stored AS (
    INSERT INTO posting_revisions (
        board_id, listing_id, external_id, title, url, locations, department, workplace, employment_type, pay,
        posted_at, updated_at, description, requirements, content_hash, hash_version, simhash, changed_fields
    )
    SELECT :board, :listing, given.external_id, given.title, given.url, given.locations, given.department,
           given.workplace, given.employment_type, given.pay, given.posted_at, given.updated_at, given.description,
           given.requirements, given.content_hash, given.hash_version, given.simhash,
           CASE WHEN :is_silent OR before.revision_id IS NULL THEN '{{}}' ELSE array_remove(ARRAY[
               CASE WHEN given.title <> before.title THEN 'title' END,
               -- Boards list the same places in another order from one reading to the next.
               CASE WHEN NOT (given.locations <@ before.locations AND given.locations @> before.locations)
                    THEN 'locations' END,
               CASE WHEN given.workplace IS DISTINCT FROM before.workplace THEN 'workplace' END,
               CASE WHEN given.employment_type IS DISTINCT FROM before.employment_type THEN 'employment_type' END,
               CASE WHEN given.pay IS DISTINCT FROM before.pay THEN 'pay' END,
               -- A text that could not be had before is no change of the posting.
               CASE WHEN given.description IS NULL AND before.description IS NOT NULL
                    OR given.description <> before.description THEN 'description' END,
               CASE WHEN given.requirements IS NULL AND before.requirements IS NOT NULL
                    OR given.requirements <> before.requirements THEN 'requirements' END
           ], NULL) END
    FROM given LEFT JOIN LATERAL (
        SELECT * FROM posting_revisions AS revisions WHERE revisions.revision_id = given.known_id LIMIT 1
    ) AS before ON true
    WHERE given.is_same IS NOT TRUE
    RETURNING external_id, revision_id
)
SELECT true AS is_held, NULL AS external_id, NULL::bigint AS revision_id, NULL::bigint AS posting_id FROM held
UNION ALL SELECT true, external_id, revision_id, NULL FROM stored
UNION ALL SELECT true, external_id, known_id, posting_id FROM given WHERE is_same
"""
).bindparams(
    *GUARD,
    bindparam("document", type_=Text),
    bindparam("is_silent", type_=Boolean),
)

REMOVE = text(
    f"""
WITH {HELD},
removed AS (
    DELETE FROM posting_revisions WHERE revision_id IN (
        SELECT revision_id FROM held CROSS JOIN posting_revisions
        WHERE listing_id = :listing LIMIT {MAX_BATCH_POSTINGS}
    )
    RETURNING revision_id
)
SELECT (SELECT count(*) FROM removed) AS removed FROM held
"""
).bindparams(*GUARD)

TEXTS = text(
    "SELECT external_id, description, requirements FROM posting_revisions WHERE revision_id = ANY(:revisions)"
).bindparams(bindparam("revisions", type_=ARRAY(BigInteger)))


def remove_revisions(claim: Claim, schema_version: int) -> None:
    """Remove the revisions that an interrupted attempt of this reading has stored. Commits. Raises LeaseLost."""
    while _held(run_statement(REMOVE, **_guard(claim, schema_version)))[0].removed == MAX_BATCH_POSTINGS:
        continue


def store_revisions(
    claim: Claim, schema_version: int, postings: Iterable[tuple[Posting, int]], *, is_silent: bool
) -> Sequence[Row[Any]]:
    """Store a batch of different postings, each with its hash. Commits. Raises LeaseLost.

    Returns the ``external_id`` of each with its new ``revision_id``; or with its ``posting_id`` and the present one, if
    the posting has this content already. ``is_silent`` means that a difference is no change of the posting itself.
    """
    # Without ASCII escapes: an emoji would have 12 bytes instead of 4.
    document = json.dumps([_record(*each) for each in postings], ensure_ascii=False, default=_encode)
    rows = run_statement(STORE, **_guard(claim, schema_version), document=document, is_silent=is_silent)
    return [row for row in _held(rows) if row.external_id is not None]


def read_texts(revision_ids: list[int]) -> dict[str, Row[Any]]:
    """Read the long texts of these revisions, by external id."""
    return {row.external_id: row for row in run_statement(TEXTS, revisions=revision_ids)}


def posting_length(posting: Posting) -> int:
    """Return about the number of a posting's characters."""
    return sum(len(each or "") for each in (posting.title, posting.url, posting.description, posting.requirements))


def _record(posting: Posting, content_hash: int) -> dict[str, Any]:
    record = {name: getattr(posting, name) for name in COLUMNS}
    return {**record, "content_hash": content_hash, "hash_version": HASH_VERSION, "simhash": simhash(posting)}


def _encode(value: Any) -> Any:
    """Return a time or a dataclass as what JSON has."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _guard(claim: Claim, schema_version: int) -> dict[str, Any]:
    return {
        "board": claim.board_id, "lease": claim.lease_id, "listing": claim.listing_id, "schema": schema_version
    }


def _held(rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Return the rows of a statement that HELD guards. Raises LeaseLost."""
    if not rows:
        raise LeaseLost
    return rows
