"""Move runs between statuses. This module alone writes the status of a run, and only by a guarded UPDATE.

No code reads a status and then writes it. The UPDATE names the statuses from which its move is legal; if it matches no
row, another move was faster. The database enforces the same rules (migration ``guards``).
"""

from typing import Any

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, Integer, Update, and_, bindparam, func, or_, select, update

from app.config.settings import Settings
from app.db.clock import NOW, seconds_from_now
from app.db.execute import inline_literals, run_statement
from app.models import RunCompanyState, RunStatus
from app.observability import metrics
from app.services.runs import closings, freezing, queries
from app.services.runs.audit_context import AUDIT_CONTEXT, Actor, audit_context
from app.services.runs.company_moves import IS_UNDECIDED, UNITS
from app.services.runs.errors import RunMoved
from app.services.runs.outbox import UNDER_WAY_SECONDS
from app.services.runs.queries import OWNER, RUNS

log = structlog.get_logger(__name__)

# No column has this name: in the statement that advances a run, SQLAlchemy would set that column, too.
MOVING_ID = bindparam("moving", type_=Integer)
MOVING = RUNS.c.id == MOVING_ID, or_(OWNER.is_(None), RUNS.c.user_id == OWNER)
"""The conditions that select one run; with an owner, only if the run is theirs."""

LOCKED = select(RUNS.c.id).where(*MOVING).with_for_update(key_share=True).subquery("locked")
"""The run, locked before anything is computed. An UPDATE alone computes its values before it waits for the lock. So a
run that ends would have ended before the last write of the worker for which it waited."""

COMPANY_SECONDS = 2
"""Seconds that each company adds to RUN_SECONDS: more than any source's rate limit requires."""


class Move:
    """A move of a run to another status, and the guarded UPDATE that makes it."""

    def __init__(self, to: RunStatus, *guards: ColumnElement[bool], **values: Any) -> None:
        self.to = to
        is_legal = RUNS.c.status.in_(inline_literals(to.sources))
        guarded: Update = update(RUNS).where(*MOVING, RUNS.c.id == LOCKED.c.id, is_legal, AUDIT_CONTEXT, *guards)
        self.statement: Any = guarded.values(status=to, **values).returning(RUNS.c.id, RUNS.c.user_id)


def _no_company(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Build the condition that no company of the run meets any of these. A run without companies meets it.

    The companies only ever move on. So if the UPDATE waits for the run's lock, what its snapshot shows stays true.
    """
    return ~select(UNITS.c.position).where(UNITS.c.run_id == RUNS.c.id, or_(*conditions)).exists()


def _is(*states: str) -> ColumnElement[bool]:
    return UNITS.c.state.in_(inline_literals(states))


def _sum(count: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Build the SQL for the sum of a count of the run's companies."""
    summed = select(func.coalesce(func.sum(count, type_=Integer), 0))
    return summed.where(UNITS.c.run_id == RUNS.c.id, *conditions).scalar_subquery()


IS_TAKEN_IN = _is(RunCompanyState.TAKEN_IN)

CLAIM = Move(
    RunStatus.INITIALIZING,
    RUNS.c.companies_total.is_not(None),
    started_at=NOW,
    worker_seen_at=NOW,
    next_dispatch_at=seconds_from_now(UNDER_WAY_SECONDS),
    attempts=RUNS.c.attempts + 1,
    deadline_at=seconds_from_now(
        bindparam("run_seconds", type_=Integer) + COMPANY_SECONDS * RUNS.c.companies_total
    ),
)
ADVANCE = Move(
    RunStatus.INGESTING,
    _no_company(_is(RunCompanyState.WAITING), IS_UNDECIDED),
)
ADVANCE.statement = closings.at_advance(ADVANCE.statement, MOVING_ID)
FINISH = Move(
    RunStatus.FINISHED,
    _no_company(
        _is(*RunCompanyState.UNFINISHED), and_(_is(RunCompanyState.FAILED), UNITS.c.expired_jobs.is_(None))
    ),
    finished_at=NOW,
    # A company given up after some of its parts is no part of total_jobs, so it may not count here either.
    jobs_ready=_sum(UNITS.c.new_jobs + UNITS.c.changed_jobs + UNITS.c.reopened_jobs, IS_TAKEN_IN),
    jobs_skipped=_sum(UNITS.c.unchanged_jobs, IS_TAKEN_IN),
    jobs_failed=_sum(UNITS.c.unparsed, IS_TAKEN_IN),
    jobs_expired=_sum(UNITS.c.expired_jobs),
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

    The run's deadline counts from now. A run that was started without companies gets them first. Raises RunMoved if
    the run is no longer pending, RunNotFound if it was deleted.
    """
    settings: Settings = current_app.config["SETTINGS"]
    while not _move(CLAIM, run_id, Actor.WORKER, run_seconds=settings.run_seconds):
        freezing.freeze_late(run_id)


def advance(run_id: int) -> bool:
    """Move the run on to take in its companies, if each is decided on or has failed. Commits.

    Returns whether it moved. Raises RunMoved if the run has ended or advanced already, RunNotFound.
    """
    return _move(ADVANCE, run_id, Actor.WORKER)


def finish(run_id: int) -> bool:
    """Finish a run, with the sums of its companies, if each has ended. Commits.

    Returns whether it finished. Raises RunMoved if it has ended, RunNotFound.
    """
    return _move(FINISH, run_id, Actor.WORKER)


def fail(run_id: int, reason: str, actor: Actor = Actor.WORKER) -> None:
    """End a run in error, with a reason for its user. Commits. Raises RunMoved if it has ended, RunNotFound."""
    _move(FAIL, run_id, actor, reason=reason)


def _move(move: Move, run_id: int, actor: Actor, user_id: int | None = None, **values: Any) -> bool:
    """Make a move: the only place that writes a status. Commits. Raises RunMoved or RunNotFound.

    Return False if the status allows the move, but a company of the run does not.
    """
    if not run_statement(move.statement, moving=run_id, owner=user_id, **audit_context(actor), **values):
        status = queries.get(run_id, user_id).status
        if status in move.to.sources:
            return False
        raise RunMoved(run_id, status, move.to)
    record_move(run_id, move.to)
    return True


def record_move(run_id: int, to: RunStatus) -> None:
    """Log and count a committed move."""
    log.info("run moved", run_id=run_id, to=to.value)
    metrics.TRANSITIONS.labels(to=to.value).inc()
