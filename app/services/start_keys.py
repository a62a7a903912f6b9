"""The Idempotency-Key of a start: what a start that is asked for again is known by.

It stands on the run that it started, lives as long as that, and is its user's own: another user's same key is another.
"""

import hashlib
import json

import structlog
from sqlalchemy import ColumnElement, select

from app.db.execute import run_statement
from app.extensions import table_of
from app.idempotency import IdempotencyKeyReused
from app.models import IngestionRun
from app.observability import metrics

log = structlog.get_logger(__name__)

RUNS = table_of(IngestionRun)


def fingerprint(preview_id: int | None) -> bytes:
    """Return the SHA-256 of what a start asks for, as canonical JSON. Changes nothing.

    What is null is left out, so that a start which says nothing stays the same when a later version can be told more.
    """
    asked = {} if preview_id is None else {"preview_id": preview_id}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).digest()


def is_unused(user_id: ColumnElement[int], key: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition, as SQL within a statement, that no run of this user was started with this key. Changes nothing."""
    return ~select(RUNS.c.id).where(RUNS.c.user_id == user_id, RUNS.c.idempotency_key == key).exists()


def find(user_id: int, key: str, preview_id: int | None) -> int | None:
    """Return the id of the user's run that was started with this key, or None. Changes nothing.

    Raises IdempotencyKeyReused if that start asked for something else. The key itself is not logged, because a client
    may write into it what it likes; run and request say which it was.
    """
    former = select(RUNS.c.id, RUNS.c.request_fingerprint)
    rows = run_statement(former.where(RUNS.c.user_id == user_id, RUNS.c.idempotency_key == key))
    if not rows:
        return None
    if rows[0].request_fingerprint != fingerprint(preview_id):
        raise IdempotencyKeyReused(rows[0].id)
    log.info("start replayed", run_id=rows[0].id)
    metrics.STARTS.labels(outcome="replayed").inc()
    run_id: int = rows[0].id
    return run_id
