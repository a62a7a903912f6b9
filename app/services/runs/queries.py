"""Read runs: the active run, a run by its id, a page of runs, and the timeline of a run."""

from typing import Any

from sqlalchemy import BigInteger, Row, bindparam, or_, select

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import IngestionRun, RunEvent, RunStatus
from app.services.runs.counts import with_counts
from app.services.runs.errors import RunNotFound

RUNS = table_of(IngestionRun)
EVENTS = table_of(RunEvent)

# Statements that are executed often are constants: building one costs as much as executing it.
OWNER = bindparam("owner", type_=BigInteger)
THIS_RUN = RUNS.c.id == bindparam("run_id"), or_(OWNER.is_(None), RUNS.c.user_id == OWNER)
"""The conditions that select one run; with an owner, only if the run is theirs."""

# As literals: indexes cover the active runs alone.
IS_ACTIVE = RUNS.c.status.in_(inline_literals(RunStatus.ACTIVE))
CURRENT = select(RUNS.c.id).where(RUNS.c.user_id == OWNER, IS_ACTIVE)
ONE_RUN = with_counts(select(RUNS).where(*THIS_RUN).subquery("run"))
TIMELINE = (
    select(EVENTS)
    .select_from(RUNS.outerjoin(EVENTS, (EVENTS.c.run_id == RUNS.c.id) & (EVENTS.c.seq > bindparam("after"))))
    .where(*THIS_RUN)
    .order_by(EVENTS.c.seq)
)


def current(user_id: int) -> int | None:
    """Return the id of the user's active run, or None."""
    rows = run_statement(CURRENT, owner=user_id)
    return rows[0].id if rows else None


def get(run_id: int, user_id: int | None = None) -> Row[Any]:
    """Return a run of this user (None: of any user, for operators) with what ``with_counts`` adds.

    Raises RunNotFound.
    """
    rows = run_statement(ONE_RUN, run_id=run_id, owner=user_id)
    if not rows:
        raise RunNotFound(f"There is no run {run_id}.")
    return rows[0]


def newest(
    user_id: int | None = None, status: RunStatus | None = None, before: int | None = None, limit: int = 20
) -> tuple[list[Row[Any]], int | None]:
    """Return a page of a user's runs (None: of all users), newest first, and the ``before`` of the next page.

    Each has what ``with_counts`` adds.
    """
    query = select(RUNS).order_by(RUNS.c.id.desc()).limit(limit + 1)
    if user_id is not None:
        query = query.where(RUNS.c.user_id == user_id)
    if status is not None:
        query = query.where(RUNS.c.status == status)
    if before is not None:
        query = query.where(RUNS.c.id < before)
    # The runs of the page are chosen first: only their companies are read.
    page = query.subquery("run")
    rows = list(run_statement(with_counts(page).order_by(page.c.id.desc())))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def events(run_id: int, user_id: int | None = None, after: int = 0) -> list[Row[Any]]:
    """Return the events of this user's run whose ``seq`` is above ``after``, in order. Raises RunNotFound."""
    rows = run_statement(TIMELINE, run_id=run_id, owner=user_id, after=after)
    if not rows:
        raise RunNotFound(f"There is no run {run_id}.")
    return [row for row in rows if row.seq is not None]
