"""Move runs between statuses. This module alone writes the status of a run, and only by a guarded UPDATE.

No code reads a status and then writes it. The UPDATE names the statuses from which its move is legal; if it matches no
row, another move was faster. The database enforces the same rules (migration ``guards``).
"""

from typing import Any

import structlog
from sqlalchemy import ColumnElement, bindparam, func, select, update

from app.db.clock import NOW
from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Job, JobStatus, RunStatus
from app.observability import metrics
from app.services.runs import queries
from app.services.runs.audit_context import AUDIT_CONTEXT, Actor, audit_context
from app.services.runs.errors import RunMoved
from app.services.runs.queries import RUNS, THIS_RUN

log = structlog.get_logger(__name__)

JOBS = table_of(Job)


class Move:
    """A move of a run to another status, and the guarded UPDATE that makes it."""

    def __init__(self, to: RunStatus, **values: Any) -> None:
        self.to = to
        guarded = update(RUNS).where(*THIS_RUN, RUNS.c.status.in_(inline_literals(to.sources)), AUDIT_CONTEXT)
        self.statement = guarded.values(status=to, **values).returning(RUNS.c.id)


def _jobs(status: JobStatus) -> ColumnElement[int]:
    """Build the SQL for the number of the run's jobs in this status."""
    counted = select(func.count()).where(JOBS.c.run_id == bindparam("run_id"), JOBS.c.status == status)
    return counted.scalar_subquery()


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


def abort(run_id: int, user_id: int | None = None, actor: Actor = Actor.USER) -> None:
    """Abort a run of this user (None: of any user, for operators). Commits. An aborted run stays as it is.

    The run's worker detects the abort at its next write, which matches no row.
    Raises RunMoved if the run is finished or in error, RunNotFound if it is not this user's.
    """
    try:
        _move(ABORT, run_id, actor, user_id)
    except RunMoved as error:
        if error.run_status != RunStatus.ABORTED:
            raise


def claim(run_id: int) -> None:
    """Claim a pending run for this worker. Commits. Of two copies of a message, only one succeeds.

    Raises RunMoved if the run is no longer pending, RunNotFound if it was deleted.
    """
    _move(CLAIM, run_id, Actor.WORKER)


def advance(run_id: int, total_jobs: int) -> None:
    """Move the run on to ingest ``total_jobs`` postings. Commits. Raises RunMoved if the run has ended, RunNotFound."""
    _move(ADVANCE, run_id, Actor.WORKER, total=total_jobs)


def finish(run_id: int) -> None:
    """Finish a run, with the current counts of its jobs. Commits. Raises RunMoved if it has ended, RunNotFound."""
    _move(FINISH, run_id, Actor.WORKER)


def fail(run_id: int, reason: str, actor: Actor = Actor.WORKER) -> None:
    """End a run in error, with a reason for its user. Commits. Raises RunMoved if it has ended, RunNotFound."""
    _move(FAIL, run_id, actor, reason=reason)


def _move(move: Move, run_id: int, actor: Actor, user_id: int | None = None, **values: Any) -> None:
    """Make a move: the only place that writes a status. Commits. Raises RunMoved or RunNotFound."""
    if not run_statement(move.statement, run_id=run_id, owner=user_id, **audit_context(actor), **values):
        raise RunMoved(run_id, queries.get(run_id, user_id).status, move.to)
    record_move(run_id, move.to)


def record_move(run_id: int, to: RunStatus) -> None:
    """Log and count a committed move."""
    log.info("run moved", run_id=run_id, to=to.value)
    metrics.TRANSITIONS.labels(to=to.value).inc()
