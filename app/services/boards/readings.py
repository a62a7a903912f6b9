"""The begin and the end of readings. This module alone writes the state of a listing.

A reading begins with the claim of its board. One guarded statement ends it, and writes all that the listing changes:
postings, their events, the counts, the board. The database enforces the legal moves of a listing's state, too
(migration ``boards``).
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from app.db.clock import NOW
from app.db.execute import run_long_statement
from app.extensions import table_of
from app.models import Listing, ReadingState
from app.services.boards.claim import Claim
from app.services.boards.errors import LeaseLost
from app.services.boards.times import BoardTimes
from app.services.boards.truth import Past, Verdict
from app.sources.types import Validators

LISTINGS = table_of(Listing)


@dataclass(frozen=True)
class StoredListing:
    """A reading that has ended."""

    listing_id: int
    state: ReadingState


@dataclass(frozen=True)
class Result:
    """The result of a reading by the ids of postings and revisions, besides the verdict on it."""

    found: int | None = None
    """The postings read; None if the reading failed."""
    unparsed: int | None = None
    schema_version: int | None = None
    """The version of the parser; None if nothing was parsed."""
    revisions: tuple[int, ...] = ()
    """The contents of the new and the changed postings."""
    replaced: tuple[int, ...] = ()
    """The revisions that another one of the same listing has replaced."""
    back: tuple[int, ...] = ()
    """The postings with unchanged content that were missing or closed."""
    lacking: tuple[int, ...] = ()
    """The open postings of which the listing has no record."""
    validators: Validators | None = None
    """The validators of the response; None if the board answered that nothing has changed."""
    retry_seconds: float | None = None
    """Seconds until the source accepts requests again, if it named a time."""


MOVE = "UPDATE listings SET state = :state"
LEGAL = f"state IN ({', '.join(repr(source.value) for source in ReadingState.COMPLETE.sources)})"
"""The condition of every end. All ends have the same legal sources."""

# Ids are joined by index. The planner must never join two large intermediate results whose size it cannot estimate.
END = text(
    f"""
WITH held AS MATERIALIZED (
    SELECT boards.content_listing_id IS NULL AS is_first, listings.began_at, clock_now() AS now
    FROM boards JOIN listings ON listings.listing_id = :listing AND listings.board_id = boards.board_id
    WHERE boards.board_id = :board AND lease_id = :lease AND {LEGAL}
      AND (:schema IS NULL OR coalesce(schema_version, 0) <= :schema)
      -- A verdict on a board that the operator has put on hold since, or released, does not hold.
      AND is_on_hold = :was_on_hold
    FOR NO KEY UPDATE OF boards
),
stored AS MATERIALIZED (
    SELECT revisions.revision_id, revisions.external_id, content_hash, hash_version, changed_fields,
           known.posting_id, known.closed_at IS NOT NULL AS was_closed
    FROM held CROSS JOIN unnest(:revisions) AS given (revision_id)
    JOIN posting_revisions AS revisions ON revisions.revision_id = given.revision_id
    LEFT JOIN LATERAL (
        SELECT posting_id, closed_at FROM postings
        WHERE postings.board_id = :board AND postings.external_id = revisions.external_id LIMIT 1
    ) AS known ON true
),
added AS (
    INSERT INTO postings (
        board_id, external_id, revision_id, content_hash, hash_version, first_listing_id, first_seen_at, is_baseline
    )
    SELECT :board, external_id, revision_id, content_hash, hash_version, :listing, held.began_at, held.is_first
    FROM held CROSS JOIN stored WHERE posting_id IS NULL ORDER BY revision_id
    RETURNING posting_id, revision_id
),
renewed AS (
    UPDATE postings SET revision_id = stored.revision_id, content_hash = stored.content_hash,
        hash_version = stored.hash_version, missing_since = NULL, missing_listing_id = NULL,
        closed_at = NULL, closed_reason = NULL, closed_listing_id = NULL
    FROM stored WHERE postings.posting_id = stored.posting_id
    RETURNING postings.posting_id, postings.revision_id, stored.changed_fields, stored.was_closed
),
returned AS (
    UPDATE postings SET missing_since = NULL, missing_listing_id = NULL,
        closed_at = NULL, closed_reason = NULL, closed_listing_id = NULL
    FROM held CROSS JOIN unnest(:back) AS given (posting_id) JOIN postings AS before USING (posting_id)
    WHERE postings.posting_id = before.posting_id
    RETURNING postings.posting_id, postings.revision_id, before.closed_at IS NOT NULL AS was_closed
),
lost AS MATERIALIZED (
    SELECT posting_id, held.began_at AS since, :listing AS first_id, 'unseen' AS reason,
           coalesce(missing_since <= held.began_at - make_interval(secs => :witness), false) AS is_closed
    FROM held CROSS JOIN unnest(:ageing) AS given (posting_id) JOIN postings USING (posting_id)
    WHERE closed_at IS NULL
    UNION ALL
    SELECT posting_id, :first_began_at, :first_listing, :reason, true
    FROM held CROSS JOIN unnest(:closing) AS given (posting_id) JOIN postings USING (posting_id)
    WHERE closed_at IS NULL
),
aged AS (
    UPDATE postings SET missing_since = coalesce(missing_since, lost.since),
        missing_listing_id = coalesce(missing_listing_id, lost.first_id),
        closed_at = CASE WHEN lost.is_closed THEN held.now END,
        closed_reason = CASE WHEN lost.is_closed THEN lost.reason END,
        closed_listing_id = CASE WHEN lost.is_closed THEN :listing END
    FROM held CROSS JOIN lost
    WHERE postings.posting_id = lost.posting_id AND (lost.is_closed OR missing_since IS NULL)
    RETURNING postings.posting_id, revision_id, closed_reason,
        CASE WHEN lost.is_closed THEN 'closed' ELSE 'missing' END AS kind,
        CASE WHEN lost.is_closed THEN missing_listing_id END AS witness_id
),
told AS (
    INSERT INTO posting_events (posting_id, listing_id, at, kind, revision_id, fields, reason, witness_listing_id)
    SELECT posting_id, :listing, held.now, kind, revision_id, fields, reason, witness_id
    FROM held CROSS JOIN (
        SELECT posting_id, 'new' AS kind, revision_id, CAST('{{}}' AS text[]) AS fields, NULL AS reason,
               CAST(NULL AS bigint) AS witness_id FROM added
        UNION ALL SELECT posting_id, 'reopened', revision_id, '{{}}', NULL, NULL FROM renewed WHERE was_closed
        UNION ALL SELECT posting_id, 'reopened', revision_id, '{{}}', NULL, NULL FROM returned WHERE was_closed
        UNION ALL SELECT posting_id, 'changed', revision_id, changed_fields, NULL, NULL FROM renewed
                  WHERE changed_fields <> '{{}}'
        UNION ALL SELECT posting_id, kind, revision_id, '{{}}', closed_reason, witness_id FROM aged
    ) AS events
),
dropped AS (
    DELETE FROM posting_revisions USING held
    WHERE revision_id = ANY(:replaced) AND posting_revisions.listing_id = :listing
),
counted AS MATERIALIZED (
    SELECT (SELECT count(*) FROM added) AS new,
           (SELECT count(*) FROM renewed WHERE changed_fields <> '{{}}') AS changed,
           (SELECT count(*) FROM renewed WHERE was_closed)
               + (SELECT count(*) FROM returned WHERE was_closed) AS reopened,
           (SELECT count(*) FROM aged WHERE kind = 'missing') AS missing,
           (SELECT count(*) FROM aged WHERE kind = 'closed') AS closed
),
ended AS (
    {MOVE}, ended_at = held.now, code = :code, sentence = :sentence,
        retry_at = held.now + make_interval(secs => :retry_seconds),
        is_baseline = held.is_first AND :found IS NOT NULL, found = :found, new_postings = counted.new,
        changed_postings = counted.changed, unchanged_postings = :found - counted.new - counted.changed,
        reopened_postings = counted.reopened, missing_postings = counted.missing, closed_postings = counted.closed,
        unparsed = :unparsed, lacking = :lacking
    FROM held CROSS JOIN counted
    WHERE listing_id = :listing AND {LEGAL}
    RETURNING listing_id, listings.began_at, ended_at
)
UPDATE boards SET listing_id = ended.listing_id, listed_at = ended.ended_at,
    failed_until = CASE WHEN NOT :has_content THEN
        ended.ended_at + make_interval(secs => coalesce(:retry_seconds, :failed)) END,
    content_listing_id = CASE WHEN :has_content THEN ended.listing_id ELSE content_listing_id END,
    content_began_at = CASE WHEN :has_content THEN ended.began_at ELSE content_began_at END,
    complete_listing_id = CASE WHEN :is_complete THEN ended.listing_id ELSE complete_listing_id END,
    complete_at = CASE WHEN :is_complete THEN ended.ended_at ELSE complete_at END,
    etag = CASE WHEN :sets_validators THEN :etag ELSE etag END,
    last_modified = CASE WHEN :sets_validators THEN :last_modified ELSE last_modified END,
    body_hash = CASE WHEN :sets_validators THEN :body_hash ELSE body_hash END,
    validated_at = CASE WHEN NOT :sets_validators THEN validated_at
        WHEN coalesce(:etag, :last_modified) IS NOT NULL OR :body_hash IS NOT NULL THEN ended.began_at END,
    schema_version = coalesce(:schema, schema_version),
    held_listing_id = :held_listing, empty_listing_id = :empty_listing, empty_count = :empty_count,
    gone_listing_id = :gone_listing, gone_last_listing_id = :gone_last_listing, gone_count = :gone_count,
    gone_at = CASE WHEN :is_gone THEN coalesce(gone_at, ended.ended_at) WHEN NOT :has_content THEN gone_at END,
    -- The operator may have released the board since the listing was judged.
    is_shrink_allowed = CASE WHEN :was_shrink_allowed THEN :is_shrink_allowed ELSE boards.is_shrink_allowed END,
    look_again_at = :look_again_at, lease_id = NULL, lease_until = NULL, not_before = NULL, attempt = 0
FROM ended WHERE boards.board_id = :board
RETURNING boards.listing_id
"""
).bindparams(
    bindparam("lease", type_=Uuid),
    bindparam("body_hash", type_=LargeBinary),
    *[bindparam(name, type_=Integer) for name in ("schema", "found", "unparsed", "empty_count", "gone_count")],
    *[bindparam(name, type_=BigInteger) for name in ("board", "listing", "first_listing")],
    *[bindparam(f"{name}_listing", type_=BigInteger) for name in ("held", "empty", "gone", "gone_last")],
    *[
        bindparam(name, type_=ARRAY(BigInteger))
        for name in ("revisions", "replaced", "back", "ageing", "closing", "lacking")
    ],
    *[bindparam(name, type_=Float) for name in ("witness", "failed", "retry_seconds")],
    *[bindparam(name, type_=DateTime(timezone=True)) for name in ("first_began_at", "look_again_at")],
    *[bindparam(name, type_=Text) for name in ("state", "code", "sentence", "reason", "etag", "last_modified")],
    *[
        bindparam(name, type_=Boolean)
        for name in (
            "has_content", "is_complete", "sets_validators", "is_gone", "was_on_hold", "was_shrink_allowed",
            "is_shrink_allowed",
        )
    ],
)


def begin(leased: CTE) -> ReturningInsert[tuple[int, int, object]]:
    """Build the INSERT that begins a reading of each leased board. Commits with the statement around it.

    An interrupted reading begins anew: a board has one reading at a time.
    """
    new = insert(LISTINGS).from_select(["board_id"], select(leased.c.board_id))
    return new.on_conflict_do_update(
        index_elements=["board_id"], index_where=text("state = 'reading'"), set_={"began_at": NOW}
    ).returning(LISTINGS.c.listing_id, LISTINGS.c.board_id, LISTINGS.c.began_at)


def end_reading(
    claim: Claim, verdict: Verdict, result: Result, times: BoardTimes, past: Past
) -> StoredListing:
    """End a reading and its lease, with all that it changes. Commits. Raises LeaseLost.

    It is raised, too, if the operator's hold is another one than in ``past``: then the board is read once more.
    """
    rows = run_long_statement(
        END,
        board=claim.board_id,
        lease=claim.lease_id,
        listing=claim.listing_id,
        witness=times.witness,
        failed=times.failed,
        was_on_hold=past.is_on_hold,
        was_shrink_allowed=past.evidence.is_shrink_allowed,
        **_result_values(result),
        **_posting_values(verdict, result),
        **_verdict_values(verdict, result),
    )
    if not rows:
        raise LeaseLost
    return StoredListing(rows[0].listing_id, verdict.state)


def _result_values(result: Result) -> dict[str, Any]:
    return {
        "found": result.found,
        "unparsed": result.unparsed,
        "schema": result.schema_version,
        "revisions": list(result.revisions),
        "replaced": list(result.replaced),
        "back": list(result.back),
        "retry_seconds": result.retry_seconds,
    }


def _posting_values(verdict: Verdict, result: Result) -> dict[str, Any]:
    """Return the postings that age and those that are closed at once, which are none of the former."""
    closing = verdict.closing
    lacking = set(result.lacking)
    closed = set() if closing is None else lacking if closing.postings is None else lacking & closing.postings
    return {
        "ageing": sorted(lacking - closed) if verdict.ages else [],
        "closing": sorted(closed),
        "reason": closing.reason.value if closing else None,
        "first_listing": closing.first.listing_id if closing else None,
        "first_began_at": closing.first.began_at if closing else None,
        "lacking": None if verdict.lacking is None else sorted(verdict.lacking),
    }


def _verdict_values(verdict: Verdict, result: Result) -> dict[str, Any]:
    evidence = verdict.evidence
    has_content = verdict.state != ReadingState.FAILED
    listings = {
        "held_listing": evidence.held,
        "empty_listing": evidence.empty,
        "gone_listing": evidence.gone,
        "gone_last_listing": evidence.last_gone,
    }
    # An unchanged or a failed reading leaves those of before, unless the verdict removes them.
    own = result.validators if verdict.state == ReadingState.COMPLETE and verdict.keeps_validators else None
    return {
        **{name: witness.listing_id if witness else None for name, witness in listings.items()},
        "state": verdict.state.value,
        "code": verdict.code.value,
        "sentence": verdict.sentence,
        "empty_count": evidence.empty_count,
        "gone_count": evidence.gone_count,
        "is_shrink_allowed": evidence.is_shrink_allowed,
        "has_content": has_content,
        "is_complete": verdict.state in (ReadingState.COMPLETE, ReadingState.UNCHANGED),
        "is_gone": verdict.is_gone,
        "look_again_at": verdict.look_again_at,
        "sets_validators": own is not None or not verdict.keeps_validators,
        "etag": own.etag if own else None,
        "last_modified": own.last_modified if own else None,
        "body_hash": own.body_hash if own else None,
    }
