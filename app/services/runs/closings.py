"""The question of a run that would expire unusually many jobs: asked when it advances, answered after its end.

This module alone writes the question's state, by guarded UPDATEs. A run that asks expires none of its closings itself.
"""

from typing import Any

import structlog
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from app.db.clock import NOW
from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import (
    Board,
    ClosingsState,
    IngestionRun,
    Job,
    JobEvent,
    JobEventKind,
    JobStatus,
    Posting,
    RunClosings,
    RunCompany,
    RunStatus,
)
from app.services.runs import company_moves, queries
from app.services.runs.errors import ClosingsAnswered, ClosingsSuperseded, NoClosings, RunActive

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
CLOSINGS = table_of(RunClosings)
EVENTS = table_of(JobEvent)
JOBS = table_of(Job)
POSTINGS = table_of(Posting)
RUNS = table_of(IngestionRun)
UNITS = table_of(RunCompany)

MAX_UNASKED = 50
"""Jobs that a run may expire without a question."""

MAX_UNASKED_SHARE = 0.2
"""Share of the user's open jobs that a run may expire without a question. It asks if it would exceed both."""

MAX_ANSWER_ATTEMPTS = 10
"""Attempts of one answer. It is repeated if the run that was in its way has ended. More in a row indicate a bug."""

ONCE = select(NOW).scalar_subquery()
"""The time, read once a statement."""

IS_OPEN = JOBS.c.status.in_(inline_literals([JobStatus.READY]))
IS_ACTIVE = RUNS.c.status.in_(inline_literals(RunStatus.ACTIVE))
RUN = bindparam("run", type_=Integer)
OWNER = bindparam("owner", type_=BigInteger)


def at_advance(moved: ReturningUpdate[Any]) -> Select[Any]:
    """Build the statement that moves a run to INGESTING, from the UPDATE that moves it. Commits.

    The UPDATE returns ``id`` and ``user_id`` of the run. The whole statement returns the run's ``id``, and ``count`` and
    ``open`` of its question, or NULLs if it asks none; no row if the UPDATE matches none. It pins each company of the
    run to the last listing of its board. All of it is of one snapshot, so the closings counted are those that the pins
    cover. Earlier questions of the user are superseded: a later run has counted anew.
    """
    run = moved.cte("moved")
    pinned = _pin(run)
    superseded = (
        _move(ClosingsState.SUPERSEDED, CLOSINGS.c.user_id == run.c.user_id, CLOSINGS.c.run_id != run.c.id)
        .returning(CLOSINGS.c.run_id)
        .cte("superseded")
    )
    closings = select(func.count()).select_from(_closings(pinned, pinned.c.user_id, pinned.c.listing_id).subquery())
    many = select(run.c.id, run.c.user_id, closings.scalar_subquery().label("count")).subquery("many")
    # Open jobs are counted only where it matters.
    open_jobs = select(func.count()).where(JOBS.c.user_id == many.c.user_id, IS_OPEN).scalar_subquery()
    counted = select(many, open_jobs.label("open")).where(many.c.count > MAX_UNASKED).offset(0).subquery("counted")
    question = select(counted).where(counted.c.count > MAX_UNASKED_SHARE * counted.c.open)
    asked = (
        insert(CLOSINGS)
        .from_select(["run_id", "user_id", "count", "open"], question)
        .returning(CLOSINGS.c.run_id, CLOSINGS.c.count, CLOSINGS.c.open)
        .cte("asked")
    )
    return (
        select(run.c.id, asked.c.count, asked.c.open)
        .outerjoin(asked, asked.c.run_id == run.c.id)
        .add_cte(superseded)
    )
