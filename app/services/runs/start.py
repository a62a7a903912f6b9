"""Start a run: insert it, then publish its message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import BigInteger, Executable, Integer, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from app.db.execute import inline_literals, run_statement
from app.errors import AppError, Unauthenticated
from app.extensions import table_of
from app.models import Company, Preview, PreviewCompany, RunStatus, UnitState
from app.observability import metrics
from app.services.accounts import users
from app.services.accounts.users import USER_REMOVED
from app.services.previews import lifecycle as previews
from app.services.runs import idempotency, outbox, queries
from app.services.runs.errors import RunActive
from app.services.runs.freezing import SNAPSHOT, parameters, starting
from app.services.runs.queries import OWNER
from app.services.runs.transitions import record_move

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
PREVIEWED = table_of(PreviewCompany)

PREVIEW_FOREIGN_KEY = "fk_ingestion_runs_preview_id_previews"

MAX_START_ATTEMPTS = 100
"""Attempts of one start. An attempt is repeated if the run that blocked it has ended. More in a row indicate a bug."""

PREVIEW_ID = bindparam("preview_id", type_=BigInteger)

IS_LISTED = (PREVIEWED.c.preview_id == PREVIEW_ID) & PREVIEWED.c.state.in_(inline_literals([UnitState.LISTED]))

# An object, because the planner has no estimate for a join of a user's companies with a preview's: it may compare each
# of a thousand with each.
MATCHED_BY_COMPANY = select(func.jsonb_object_agg(PREVIEWED.c.company_id, PREVIEWED.c.matched, type_=JSONB))
MATCHED = MATCHED_BY_COMPANY.where(IS_LISTED).scalar_subquery()[func.concat(COMPANIES.c.company_id)]

ENABLED = select(
    *[COMPANIES.c[name] for name in SNAPSHOT], MATCHED.astext.cast(Integer).label("previewed")
).where(COMPANIES.c.user_id == OWNER, COMPANIES.c.enabled)
"""The companies that the user has enabled now, each with the number of postings that matched in the preview."""

MATCHED_IN_ALL = select(func.coalesce(func.sum(PREVIEWED.c.matched), 0)).where(IS_LISTED).scalar_subquery()
TOTAL = (
    select(MATCHED_IN_ALL)
    .where(PREVIEWS.c.preview_id == PREVIEW_ID, PREVIEWS.c.user_id == OWNER, PREVIEWS.c.finished_at.is_not(None))
    .scalar_subquery()
)
"""Number of postings that matched in the preview; NULL unless it is finished."""

START = starting(ENABLED, preview_id=PREVIEW_ID, previewed=TOTAL)
START_PREVIEWED = starting(
    ENABLED, previews.startable(PREVIEW_ID, OWNER), preview_id=PREVIEW_ID, previewed=TOTAL
)


@dataclass(frozen=True)
class Start:
    """A way to start a run: its statement, the parameters that are its own, and the fingerprint of its request."""

    statement: Executable
    parameters: dict[str, Any]
    fingerprint: bytes


def start_run(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Create a run and publish its message; return its id and whether it is new. Commits.

    A replayed start publishes nothing. Raises the errors of ``create_run``; a fault of the broker raises nothing.
    """
    run_id, is_new = create_run(user_id, preview_id, key)
    if is_new:
        outbox.publish(run_id)
    return run_id, is_new


def create_run(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Insert a pending run of this user's enabled companies; return its id and whether it is new. Commits.

    With ``preview_id``, insert only if the settings are still those of that preview, which may be unfinished. With
    ``key``, insert only once: a repeated start returns the first start's run, whatever its status, and changes nothing.

    Raises IdempotencyKeyReused if the key started a run with another body, RunActive with the active run's id,
    PreviewNotFound, PreviewOutdated, or Unauthenticated if the user was removed.
    """
    statement = START if preview_id is None else START_PREVIEWED
    start = Start(statement, {"preview_id": preview_id}, idempotency.fingerprint(preview_id))
    return create(start, user_id, key, lambda: _refusal(user_id, preview_id))


def create(
    start: Start, user_id: int, key: str | None, find_refusal: Callable[[], AppError | None]
) -> tuple[int, bool]:
    """Insert a pending run; return its id and whether it is new. Commits.

    ``find_refusal`` returns the error that prevents this start now; None if nothing does. Raises that error,
    IdempotencyKeyReused, or Unauthenticated if the user was removed.
    """
    for _ in range(MAX_START_ATTEMPTS):
        if run_id := _insert(start, user_id, key):
            record_move(run_id, RunStatus.PENDING)
            metrics.STARTS.labels(outcome="new").inc()
            return run_id, True
        refusal = find_refusal()
        # Checked last: if a copy of this start has succeeded by now, its run is the answer.
        if key is not None and (replayed := idempotency.find(user_id, key, start.fingerprint)):
            return replayed, False
        if refusal:
            raise refusal
        users.find_by_id(user_id)
    raise RuntimeError(f"user {user_id}: {MAX_START_ATTEMPTS} starts in a row were blocked by a run that then ended")


def _insert(start: Start, user_id: int, key: str | None) -> int | None:
    """Insert a pending run; return None if its conditions, an active run, or a run with this key prevent it."""
    try:
        rows = run_statement(start.statement, **parameters(user_id, key, start.fingerprint), **start.parameters)
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        if error.orig.diag.constraint_name == PREVIEW_FOREIGN_KEY:
            return None  # the preview was removed after the statement had checked it
        raise Unauthenticated(USER_REMOVED) from error
    return rows[0].started_run_id if rows else None


def _refusal(user_id: int, preview_id: int | None) -> AppError | None:
    """Return the error that prevents a start now; None if nothing does. The key is not checked here."""
    if active := queries.current(user_id):
        return RunActive(active)
    return previews.refusal(preview_id, user_id) if preview_id is not None else None
