"""The deadline of runs: the companies that still wait then have failed, and the run goes on without them."""

from sqlalchemy import Update, select, update

from app.db.execute import inline_literals, run_statement
from app.models import Outcome, RunCompanyState
from app.services.boards.wants import is_in_state_waiting
from app.services.runs import company_moves
from app.services.runs.company_moves import NOW, RUNS, UNITS

OUT_OF_TIME = "The run's deadline passed before this board was read."


def give_up_overdue() -> int:
    """Fail the companies that wait in runs past their deadline, and make these runs due. Commits.

    Returns the number of these runs. A run that another statement has locked is left to the next pass.
    """
    return len(run_statement(GIVE_UP_OVERDUE))


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


GIVE_UP_OVERDUE = _give_up_overdue()
