"""The life of a run. This module alone writes a run's status, and only by a guarded UPDATE.

Nobody reads a status and then writes it: the UPDATE names the statuses from which its move is legal, and no row means
that somebody else was faster. The database holds the same rules once more (migration ``guards``).
"""

from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import BigInteger, ColumnElement, LargeBinary, Row, String, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from app.db.execute import inline_literals, run_statement, seconds_from_now
from app.errors import AppError, RunActive, RunMoved, RunNotFound, Unauthenticated
from app.extensions import table_of
from app.models import IngestionRun, Job, JobStatus, RunEvent, RunStatus
from app.observability import metrics
from app.services import previews, start_keys
from app.services.traces import TRACED, Actor, trace
from app.services.users import GONE

log = structlog.get_logger(__name__)

RUNS = table_of(IngestionRun)
EVENTS = table_of(RunEvent)
JOBS = table_of(Job)

PREVIEW_KEY = "fk_ingestion_runs_preview_id_previews"

FIRST_DISPATCH_GRACE = 5
"""Seconds that whoever starts a run has for publishing it himself, before the reconciler does."""

START_TRIES = 100
"""How often a start is tried again because the run in its way ended meanwhile; more in a row is a fault of ours."""


# Statements that are asked all the time are built once: building one costs as much as asking it.
OWNER = bindparam("owner", type_=BigInteger)
IS_IT = RUNS.c.id == bindparam("run_id"), or_(OWNER.is_(None), RUNS.c.user_id == OWNER)
"""This run, of its owner if one is named."""

IS_ACTIVE = RUNS.c.status.in_(inline_literals(RunStatus.ACTIVE))
CURRENT = select(RUNS.c.id).where(RUNS.c.user_id == OWNER, IS_ACTIVE)
SHOWN = select(RUNS, func.clock_timestamp().label("server_time"))
RUN = SHOWN.where(*IS_IT)
TIMELINE = (
    select(EVENTS)
    .select_from(RUNS.outerjoin(EVENTS, (EVENTS.c.run_id == RUNS.c.id) & (EVENTS.c.seq > bindparam("after"))))
    .where(*IS_IT)
    .order_by(EVENTS.c.seq)
)


def _starting(*conditions: ColumnElement[bool]) -> ReturningInsert[Any]:
    """The statement that starts a run if these conditions hold, the user has no active run, and the key is unused.

    NOT EXISTS refuses the ordinary second start cheaply, without burning an id; ON CONFLICT refuses the simultaneous
    one, for which the first is not yet to be seen. Without a key any is unused: nothing is equal to NULL.
    """
    unused = start_keys.is_unused(OWNER, bindparam("key", type_=String))
    row = select(
        OWNER,
        seconds_from_now(FIRST_DISPATCH_GRACE),
        bindparam("preview_id", type_=BigInteger),
        bindparam("key", type_=String),
        bindparam("fingerprint", type_=LargeBinary),
    ).where(~CURRENT.exists(), unused, TRACED, *conditions)
    columns = ["user_id", "next_dispatch_at", "preview_id", "idempotency_key", "request_fingerprint"]
    return insert(RUNS).from_select(columns, row).on_conflict_do_nothing().returning(RUNS.c.id)


START = _starting()
START_PREVIEWED = _starting(previews.startable(bindparam("preview_id", type_=BigInteger), OWNER))


class Move:
    """A move of a run to another status, and the one statement that makes it: a guarded UPDATE."""

    def __init__(self, to: RunStatus, **values: Any) -> None:
        self.to = to
        guarded = update(RUNS).where(*IS_IT, RUNS.c.status.in_(inline_literals(to.sources)), TRACED)
        self.statement = guarded.values(status=to, **values).returning(RUNS.c.id)


def _jobs(status: JobStatus) -> ColumnElement[int]:
    """How many jobs of the run are in that status."""
    counted = select(func.count()).where(JOBS.c.run_id == bindparam("run_id"), JOBS.c.status == status)
    return counted.scalar_subquery()


NOW = func.clock_timestamp()
CLAIM = Move(RunStatus.INITIALIZING, started_at=NOW)
ADVANCE = Move(RunStatus.INGESTING, total_jobs=bindparam("total"))
FINISH = Move(
    RunStatus.FINISHED,
    finished_at=NOW,
    jobs_ready=_jobs(JobStatus.READY),
    jobs_skipped=_jobs(JobStatus.SKIPPED),
    jobs_expired=_jobs(JobStatus.EXPIRED),
    jobs_failed=_jobs(JobStatus.ERROR),
)
FAIL = Move(RunStatus.ERROR, finished_at=NOW, error_message=bindparam("reason"))
ABORT = Move(RunStatus.ABORTED, finished_at=NOW)


def start(user_id: int, preview_id: int | None = None, key: str | None = None) -> tuple[int, bool]:
    """Start a run of this user; return its id and whether it is new. Commits; publishing its message comes after.

    With ``preview_id`` only if that preview is finished and made from the settings as they are. With ``key`` only once:
    whoever asks for the same again gets the run that it started, whatever became of that, and nothing is changed.
    Raises IdempotencyKeyReused if the key has started something else; RunActive, which names the active run, if there
    is one; else PreviewNotFound, PreviewOutdated or PreviewUnfinished; Unauthenticated if the user is gone.
    """
    for _ in range(START_TRIES):
        if run_id := _insert_unless_active(user_id, preview_id, key):
            _note(run_id, RunStatus.PENDING)
            metrics.STARTS.labels(outcome="new").inc()
            return run_id, True
        refusal = _refusal(user_id, preview_id)
        # After what else is in the way: if a copy of this start got through until now, that is what is told.
        if key is not None and (former := start_keys.find(user_id, key, preview_id)):
            return former, False
        if refusal:
            raise refusal
    raise RuntimeError(f"user {user_id}: {START_TRIES} starts in a row met a run that ended at that moment")


def current(user_id: int) -> int | None:
    """Return the id of the user's active run, or None. Changes nothing."""
    rows = run_statement(CURRENT, owner=user_id)
    return rows[0].id if rows else None


def get(run_id: int, user_id: int | None = None) -> Row[Any]:
    """Return a run of this user (None: of anybody, for operators), with the database's ``server_time``.

    Changes nothing. Raises RunNotFound.
    """
    rows = run_statement(RUN, run_id=run_id, owner=user_id)
    if not rows:
        raise RunNotFound(f"There is no run {run_id}.")
    return rows[0]


def newest(
    user_id: int | None = None, status: RunStatus | None = None, before: int | None = None, limit: int = 20
) -> tuple[list[Row[Any]], int | None]:
    """Return a page of a user's runs (None: of everybody), newest first, and the ``before`` of the next page.

    Changes nothing.
    """
    wanted = SHOWN.order_by(RUNS.c.id.desc()).limit(limit + 1)
    if user_id is not None:
        wanted = wanted.where(RUNS.c.user_id == user_id)
    if status is not None:
        wanted = wanted.where(RUNS.c.status == status)
    if before is not None:
        wanted = wanted.where(RUNS.c.id < before)
    rows = list(run_statement(wanted))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def events(run_id: int, user_id: int | None = None, after: int = 0) -> list[Row[Any]]:
    """Return what happened to a run of this user, in order, from the event behind number ``after`` on. Changes nothing.

    Raises RunNotFound.
    """
    rows = run_statement(TIMELINE, run_id=run_id, owner=user_id, after=after)
    if not rows:
        raise RunNotFound(f"There is no run {run_id}.")
    return [row for row in rows if row.seq is not None]


def abort(run_id: int, user_id: int | None = None, actor: Actor = Actor.USER) -> None:
    """Abort a run of this user (None: of anybody, for operators). Commits. A run already aborted is left as it is.

    Whoever works on the run finds out at its next write, which matches no row.
    Raises RunMoved if it is finished or in error, RunNotFound if it is not this user's.
    """
    try:
        _move(ABORT, run_id, actor, user_id)
    except RunMoved as lost:
        if lost.run_status != RunStatus.ABORTED:
            raise


def claim(run_id: int) -> None:
    """Make a pending run this worker's. Commits. Of two copies of a message only one gets past this.

    Raises RunMoved if the run is not pending any more, RunNotFound if it is gone.
    """
    _move(CLAIM, run_id, Actor.WORKER)


def advance(run_id: int, total_jobs: int) -> None:
    """Begin to take in ``total_jobs`` postings. Commits. Raises RunMoved if the run was ended, RunNotFound."""
    _move(ADVANCE, run_id, Actor.WORKER, total=total_jobs)


def finish(run_id: int) -> None:
    """End a run well, with the counts of its jobs as they stand. Commits.

    Raises RunMoved if it was ended by somebody else, RunNotFound.
    """
    _move(FINISH, run_id, Actor.WORKER)


def fail(run_id: int, reason: str, actor: Actor = Actor.WORKER) -> None:
    """End a run in error, with the reason its user will read. Commits.

    Raises RunMoved if it was ended by somebody else, RunNotFound.
    """
    _move(FAIL, run_id, actor, reason=reason)


def _insert_unless_active(user_id: int, preview_id: int | None, key: str | None) -> int | None:
    """Insert a pending run; None if an active one, or one of that key, is in the way, or if the preview is."""
    fingerprint = None if key is None else start_keys.fingerprint(preview_id)
    asked = {"owner": user_id, "preview_id": preview_id, "key": key, "fingerprint": fingerprint}
    try:
        rows = run_statement(START if preview_id is None else START_PREVIEWED, **asked, **trace(Actor.USER))
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        if error.orig.diag.constraint_name == PREVIEW_KEY:
            return None  # the preview was removed at this very moment
        raise Unauthenticated(GONE) from error
    return rows[0].id if rows else None


def _refusal(user_id: int, preview_id: int | None) -> AppError | None:
    """Why nothing was started, but for the key; None if by now nothing is in the way."""
    if active := current(user_id):
        return RunActive(active)
    return previews.refusal(preview_id, user_id) if preview_id is not None else None


def _move(move: Move, run_id: int, actor: Actor, user_id: int | None = None, **values: Any) -> None:
    """The one place that writes a status. Commits. Raises RunMoved or RunNotFound."""
    if not run_statement(move.statement, run_id=run_id, owner=user_id, **trace(actor), **values):
        raise RunMoved(run_id, get(run_id, user_id).status, move.to)
    _note(run_id, move.to)


def _note(run_id: int, to: RunStatus) -> None:
    log.info("run moved", run_id=run_id, to=to.value)
    metrics.TRANSITIONS.labels(to=to.value).inc()
