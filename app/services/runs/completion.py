"""Companies that are given up: those that still wait at the deadline, and those that no attempt got past.

The run goes on without them.
"""

import structlog
from sqlalchemy import Select, Update, and_, case, func, or_, select, update

from app.db.execute import inline_literals, run_statement
from app.models import Outcome, RunCompanyState, RunStatus
from app.services.boards.wants import is_in_state_waiting
from app.services.runs import company_moves
from app.services.runs.company_moves import IS_READ, IS_UNDECIDED, NOW, RUNS, UNITS
from app.services.runs.taking_in_statements import IS_FAILED, RUN

log = structlog.get_logger(__name__)

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
    leave the run's total. A company that has failed already, and whose closings cannot be noted, expires nothing in
    this run.
    """
    rows = run_statement(GIVE_UP_NEXT, run=run_id)
    if not rows:
        return None
    log.error("company given up", run_id=run_id, position=rows[0].position)
    return int(rows[0].position)


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


def _give_up_next() -> Select[int]:
    """Build the statement of ``give_up_next``.

    Before the run ingests, a company that is decided on has nothing to do: the run waits for another one.
    """
    run = company_moves.lock_runs(RUNS.c.id == RUN)
    is_ingesting = run.c.status.in_(inline_literals([RunStatus.INGESTING]))
    unit = company_moves.locking(
        select(UNITS.c.run_id, UNITS.c.position, UNITS.c.state, UNITS.c.matched)
        .join(run, run.c.id == UNITS.c.run_id)
        .where(or_(IS_UNDECIDED, and_(is_ingesting, or_(IS_READ, IS_FAILED))))
        .limit(1)
    ).cte("unit")
    reason = {"outcome": Outcome.OUT_OF_TIME, "detail": GIVEN_UP}
    failed = company_moves.fail(unit, **reason).returning(UNITS.c.position).cte("failed")
    noted = company_moves.change(unit, IS_FAILED, expired_jobs=0).returning(UNITS.c.position).cte("noted")
    is_read = unit.c.state.in_(inline_literals([RunCompanyState.READ]))
    lost = case((is_read, func.coalesce(unit.c.matched, 0)), else_=0)
    total = update(RUNS).where(RUNS.c.id == unit.c.run_id).values(total_jobs=RUNS.c.total_jobs - lost, attempts=0)
    return select(unit.c.position).add_cte(failed, noted, total.cte("total"))


GIVE_UP_OVERDUE = _give_up_overdue()
GIVE_UP_NEXT = _give_up_next()
