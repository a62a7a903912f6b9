"""Recognise a repeated start by its Idempotency-Key. Keys are scoped to a user and live as long as their run."""

import hashlib
import json
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import IngestionRun
from app.observability import metrics
from app.services.runs.errors import IdempotencyKeyReused

log = structlog.get_logger(__name__)

RUNS = table_of(IngestionRun)


def fingerprint(preview_id: int | None) -> bytes:
    """Return the SHA-256 of the start's body as canonical JSON.

    Null members are left out, so that the fingerprint of a start stays the same when a later version adds members.
    """
    return _sha256({} if preview_id is None else {"preview_id": preview_id})


def retry_fingerprint(run_id: int) -> bytes:
    """Return the SHA-256 of a retry of this run. No start has the same."""
    return _sha256({"kind": "retry", "run_id": run_id})


def is_unused(user_id: ColumnElement[int], key: ColumnElement[str]) -> ColumnElement[bool]:
    """Build the SQL condition that no run of this user was started with this key."""
    return ~select(RUNS.c.id).where(RUNS.c.user_id == user_id, RUNS.c.idempotency_key == key).exists()


def find(user_id: int, key: str, fingerprint: bytes) -> int | None:
    """Return the id of the user's run that was started with this key, or None.

    Raises IdempotencyKeyReused if that start had another fingerprint. The key is not logged, because a client may write
    anything into it; the ids of run and request identify the start.
    """
    started = select(RUNS.c.id, RUNS.c.request_fingerprint)
    rows = run_statement(started.where(RUNS.c.user_id == user_id, RUNS.c.idempotency_key == key))
    if not rows:
        return None
    if rows[0].request_fingerprint != fingerprint:
        raise IdempotencyKeyReused(rows[0].id)
    log.info("start replayed", run_id=rows[0].id)
    metrics.STARTS.labels(outcome="replayed").inc()
    run_id: int = rows[0].id
    return run_id


def _sha256(request: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).digest()
