"""Companies that are given up: those that still wait at the deadline, and those that no attempt got past.

The run goes on without them.
"""

from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Job, JobEvent, JobEventKind, Outcome, RunCompanyState, RunStatus
from app.services.boards.wants import is_in_state_waiting
from app.services.runs import company_moves
from app.services.runs.company_moves import IS_READ, IS_UNDECIDED, IS_UNDER_WAY, NOW, RUNS, UNITS
from app.services.runs.taking_in_statements import IS_FAILED, POSITION, RUN

log = structlog.get_logger(__name__)

EVENTS = table_of(JobEvent)
JOBS = table_of(Job)

OUT_OF_TIME = "The run's deadline passed before this board was read."
GIVEN_UP = "This product failed to take in this company. The operator's log has the reason."


def give_up_overdue() -> int:
    """Fail the companies that wait in runs past their deadline, and make these runs due. Commits.

    Returns the number of these runs. A run that another statement has locked is left to the next pass.
    """
    return len(run_statement(GIVE_UP_OVERDUE))


def give_up_next(run_id: int) -> int | None:
    """Fail the company that a run under way cannot get past, and return its position; None if there is none. Commits.

    It is the first one that is not decided on; while the run ingests, the first one that has not ended. Its matches
    leave the run's total. A company that has failed already, and whose closings cannot be noted, expires nothing more
    in this run. If another worker has written a part of it since, it is read again.
    """
    while rows := run_statement(FIND_NEXT, run=run_id):
        found = rows[0]
        values = {"at_position": found.position, "seen_parts": found.parts, "expired": found.expired}
        if run_statement(GIVE_UP, run=run_id, **values):
            log.error("company given up", run_id=run_id, position=found.position)
            return int(found.position)
    return None


def _give_up_overdue() -> Update:
    waiting = select(UNITS.c.position).where(UNITS.c.run_id == RUNS.c.id, is_in_state_waiting(UNITS.c))
    run = company_moves.lock_runs(RUNS.c.deadline_at <= NOW, waiting.exists(), skip_locked=True)
    overdue = select(UNITS.c.run_id, UNITS.c.position).join(run, run.c.id == UNITS.c.run_id)
    chosen = company_moves.locking(
        overdue.where(UNITS.c.state.in_(inline_literals([RunCompanyState.WAITING])))
    ).cte("overdue")
    failed = company_moves.fail(chosen, outcome=Outcome.OUT_OF_TIME, detail=OUT_OF_TIME)
    given_up = failed.returning(UNITS.c.run_id).cte("given_up")
    due = update(RUNS).where(RUNS.c.id.in_(select(given_up.c.run_id)))
    return due.values(next_dispatch_at=NOW).returning(RUNS.c.id)


def _can_be_given_up(run: FromClause) -> ColumnElement[bool]:
    """Build the condition that a company of this run is to be given up.

    Before the run ingests, a company that is decided on has nothing to do: the run waits for another one.
    """
    is_ingesting = run.c.status.in_(inline_literals([RunStatus.INGESTING]))
    return or_(IS_UNDECIDED, and_(is_ingesting, or_(IS_READ, IS_FAILED)))


def _find_next() -> Select[Any]:
    """Build the selection of the next company to give up, with the number of the jobs that its parts have expired."""
    is_expired = EVENTS.c.kind.in_(inline_literals([JobEventKind.EXPIRED]))
    events = EVENTS.join(JOBS, JOBS.c.id == EVENTS.c.job_id)
    expired = select(func.count()).select_from(events).where(EVENTS.c.run_id == UNITS.c.run_id, is_expired)
    return (
        select(UNITS.c.position, UNITS.c.parts)
        .add_columns(expired.where(JOBS.c.board_id == UNITS.c.board_id).scalar_subquery().label("expired"))
        .join(RUNS, RUNS.c.id == UNITS.c.run_id)
        .where(RUNS.c.id == RUN, IS_UNDER_WAY, _can_be_given_up(RUNS))
        .order_by(UNITS.c.position)
        .limit(1)
    )


def _give_up() -> Select[int]:
    """Build the statement that gives a company up which is as it was found. It returns the position."""
    run = company_moves.lock_runs(RUNS.c.id == RUN)
    is_as_found = and_(UNITS.c.position == POSITION, UNITS.c.parts == bindparam("seen_parts", type_=Integer))
    unit = company_moves.locking(
        select(UNITS.c.run_id, UNITS.c.position, UNITS.c.state, UNITS.c.matched)
        .join(run, run.c.id == UNITS.c.run_id)
        .where(is_as_found, _can_be_given_up(run))
    ).cte("unit")
    reason = {"outcome": Outcome.OUT_OF_TIME, "detail": GIVEN_UP}
    failed = company_moves.fail(unit, **reason).returning(UNITS.c.position).cte("failed")
    expired = {"expired_jobs": bindparam("expired", type_=Integer)}
    noted = company_moves.change(unit, IS_FAILED, **expired).returning(UNITS.c.position).cte("noted")
    is_read = unit.c.state.in_(inline_literals([RunCompanyState.READ]))
    lost = case((is_read, func.coalesce(unit.c.matched, 0)), else_=0)
    total = update(RUNS).where(RUNS.c.id == unit.c.run_id).values(total_jobs=RUNS.c.total_jobs - lost, attempts=0)
    return select(unit.c.position).add_cte(failed, noted, total.cte("total"))


GIVE_UP_OVERDUE = _give_up_overdue()
FIND_NEXT = _find_next()
GIVE_UP = _give_up()
