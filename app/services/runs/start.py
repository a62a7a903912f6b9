"""Start a run: insert it, then publish its message."""

from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.errors import AppError, Unauthenticated
from app.models import RunStatus
from app.observability import metrics
from app.services.accounts.users import USER_REMOVED
from app.services.previews import lifecycle as previews
from app.services.publisher import FIRST_PUBLISH_SECONDS
from app.services.runs import idempotency, outbox, queries
from app.services.runs.audit_context import AUDIT_CONTEXT, Actor, audit_context
from app.services.runs.errors import RunActive
from app.services.runs.queries import CURRENT, OWNER, RUNS
from app.services.runs.transitions import record_move

log = structlog.get_logger(__name__)

PREVIEW_FOREIGN_KEY = "fk_ingestion_runs_preview_id_previews"

MAX_START_ATTEMPTS = 100
"""Attempts of one start. An attempt is repeated if the run that blocked it has ended. More in a row indicate a bug."""


def _starting(*conditions: ColumnElement[bool]) -> ReturningInsert[Any]:
    """Build the statement that starts a run if these conditions hold, no run is active, and the key is unused.

    NOT EXISTS refuses the usual second start cheaply and uses up no id. ON CONFLICT refuses a simultaneous start, which
    NOT EXISTS cannot see yet. A start without a key passes: nothing equals NULL.
    """
    unused = idempotency.is_unused(OWNER, bindparam("key", type_=String))
    row = select(
        OWNER,
        NOW,
        seconds_from_now(FIRST_PUBLISH_SECONDS),
        bindparam("preview_id", type_=BigInteger),
        bindparam("key", type_=String),
        bindparam("fingerprint", type_=LargeBinary),
    ).where(~CURRENT.exists(), unused, AUDIT_CONTEXT, *conditions)
    columns = ["user_id", "created_at", "next_dispatch_at", "preview_id", "idempotency_key", "request_fingerprint"]
    return insert(RUNS).from_select(columns, row).on_conflict_do_nothing().returning(RUNS.c.id)


START = _starting()
START_PREVIEWED = _starting(previews.startable(bindparam("preview_id", type_=BigInteger), OWNER))


def start_run(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Create a run and publish its message; return its id and whether it is new. Commits.

    A replayed start publishes nothing. Raises the errors of ``create_run``; a fault of the broker raises nothing.
    """
    run_id, is_new = create_run(user_id, preview_id, key)
    if is_new:
        outbox.publish(run_id)
    return run_id, is_new


def create_run(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Insert a pending run of this user; return its id and whether it is new. Commits.

    With ``preview_id``, insert only if that preview is finished and the settings are still the same. With ``key``,
    insert only once: a repeated start returns the first start's run, whatever its status, and changes nothing.

    Raises IdempotencyKeyReused if the key started a run with another body, RunActive with the active run's id,
    PreviewNotFound, PreviewOutdated, PreviewUnfinished, or Unauthenticated if the user was removed.
    """
    for _ in range(MAX_START_ATTEMPTS):
        if run_id := _insert_unless_active(user_id, preview_id, key):
            record_move(run_id, RunStatus.PENDING)
            metrics.STARTS.labels(outcome="new").inc()
            return run_id, True
        refusal = _refusal(user_id, preview_id)
        # Checked last: if a copy of this start has succeeded by now, its run is the answer.
        if key is not None and (replayed := idempotency.find(user_id, key, preview_id)):
            return replayed, False
        if refusal:
            raise refusal
    raise RuntimeError(f"user {user_id}: {MAX_START_ATTEMPTS} starts in a row were blocked by a run that then ended")


def _insert_unless_active(user_id: int, preview_id: int | None, key: str | None) -> int | None:
    """Insert a pending run; return None if an active run, a run with this key, or the preview prevents it."""
    fingerprint = None if key is None else idempotency.fingerprint(preview_id)
    values = {"owner": user_id, "preview_id": preview_id, "key": key, "fingerprint": fingerprint}
    try:
        rows = run_statement(START if preview_id is None else START_PREVIEWED, **values, **audit_context(Actor.USER))
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        if error.orig.diag.constraint_name == PREVIEW_FOREIGN_KEY:
            return None  # the preview was removed after the statement had checked it
        raise Unauthenticated(USER_REMOVED) from error
    return rows[0].id if rows else None


def _refusal(user_id: int, preview_id: int | None) -> AppError | None:
    """Return the error that prevents a start now; None if nothing does. The key is not checked here."""
    if active := queries.current(user_id):
        return RunActive(active)
    return previews.refusal(preview_id, user_id) if preview_id is not None else None
