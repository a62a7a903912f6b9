"""Read the companies of a run, a page at a time."""

from typing import Any

from sqlalchemy import Row, Select, case, literal_column, select, true, tuple_

from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Board, IngestionRun, RunCompany, RunCompanyState
from app.services.runs.counts import counts_of, revision, shown_state
from app.services.runs.errors import RunNotFound

BOARDS = table_of(Board)
RUNS = table_of(IngestionRun)
UNITS = table_of(RunCompany)

Place = tuple[int, int]
"""The place of a company in the list: 0 for a failed one, else 1; and its position."""

RANK = case((UNITS.c.state.in_(inline_literals([RunCompanyState.FAILED])), 0), else_=1)
SHOWN = [column for column in UNITS.c if column.name not in ("state", "run_id")]


def page(
    run_id: int, user_id: int | None = None, state: str | None = None, after: Place | None = None, limit: int = 100
) -> tuple[list[Row[Any]], Place | None, int]:
    """Return a page of a run's companies, the ``after`` of the next page, and the run's revision.

    The failed ones come first, then all by position. A company that fails meanwhile may move to an earlier page: a
    higher revision tells. ``user_id`` is None for operators. Raises RunNotFound.
    """
    run = select(RUNS.c.id, RUNS.c.status).where(RUNS.c.id == run_id)
    run_of_user = (run if user_id is None else run.where(RUNS.c.user_id == user_id)).subquery("run")
    found = _companies(run_id, state, after, limit + 1).subquery("company")
    counts = counts_of(run_of_user)
    # An outer join from the run distinguishes a run without companies from a missing run.
    rows = run_statement(
        select(found, revision(run_of_user, counts).label("revision"))
        .select_from(run_of_user.join(counts, true()).outerjoin(found, true()))
        .order_by(found.c.rank, found.c.position)
    )
    if not rows:
        raise RunNotFound(f"There is no run {run_id}.")
    companies = [row for row in rows if row.position is not None]
    last = companies[limit - 1] if len(companies) > limit else None
    return companies[:limit], (last.rank, last.position) if last else None, rows[0].revision


def _companies(run_id: int, state: str | None, after: Place | None, limit: int) -> Select[Any]:
    """Select the companies that follow a place, with their ``rank`` and their ``state`` as users see it."""
    shown = shown_state(RUNS)
    companies = (
        select(*SHOWN, RANK.label("rank"), shown.label("state"))
        .select_from(UNITS)
        .join(RUNS, RUNS.c.id == UNITS.c.run_id)
        .outerjoin(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .where(UNITS.c.run_id == run_id)
        .order_by(RANK, UNITS.c.position)
        .limit(literal_column(str(limit)))
    )
    if state is not None:
        companies = companies.where(shown == state)
    if after is not None:
        companies = companies.where(tuple_(RANK, UNITS.c.position) > tuple_(*after))
    return companies
