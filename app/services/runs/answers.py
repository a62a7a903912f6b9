"""Answer the companies of runs that wait for a board, from the last listings of the board."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, CompoundSelect, Row, any_, bindparam, select

from app.db.execute import run_statement
from app.services.boards import answers
from app.services.boards.requesters import RUN_REQUESTERS
from app.services.boards.wants import is_in_state_waiting
from app.services.runs import company_moves
from app.services.runs.company_moves import IS_UNDER_WAY, RUNS, UNITS

ASKING = bindparam("asking", type_=BigInteger)


def answer_listing(listing_id: int) -> list[int]:
    """Answer the companies of all runs under way that wait for the board of this listing. Commits.

    Return the runs of those companies that have no waiting company left. Their messages are to be published.
    Two statements: the second has its own snapshot, so of two calls that answer the last two companies of a run at
    once, at least one sees that none is left.
    """
    answered = {row.run_id for row in run_statement(ANSWER_BOARD, ended=listing_id)}
    return [row.id for row in run_statement(HAVE_NONE_WAITING, runs=sorted(answered))] if answered else []


def answer_run(run_id: int) -> int:
    """Answer the companies of a run under way that need not wait, from the listings of their boards. Commits.

    Those of a source that is switched off, or that this version does not have, fail. Return the number answered.
    """
    return len(run_statement(ANSWER_RUN, asking=run_id))


def waiting(run_id: int) -> Row[Any]:
    """Return the number of ``units`` of a run under way that wait, and of those whose boards are ``being_read``."""
    return run_statement(WAITING, asking=run_id)[0]


def _answer(run: ColumnElement[bool], *conditions: ColumnElement[bool]) -> CompoundSelect:
    """Build the statement that moves the waiting companies of these runs that meet the conditions to READ or FAILED.

    It returns the run of each company that it moves. A run that is aborted while the statement waits for its lock is
    left as it is.
    """
    runs = company_moves.lock_runs(run)
    companies = UNITS.join(runs, runs.c.id == UNITS.c.run_id)
    chosen = company_moves.locking(answers.choose(RUN_REQUESTERS, companies, *conditions)).cte("answers")
    answer = chosen.c
    listing = {name: answer[name] for name in ("listing_id", "listing_state", "outcome", "detail")}
    listing["read_at"] = answer.ended_at
    read = company_moves.answer(chosen, answer.has_content, **listing, unparsed=answer.unparsed)
    failed = company_moves.fail(chosen, ~answer.has_content, **listing, retry_at=answer.retry_at)
    return answers.moved(RUN_REQUESTERS, read, failed)


def _answer_board() -> CompoundSelect:
    is_of_board = UNITS.c.board_id == answers.ENDED_BOARD
    waiting_runs = select(UNITS.c.run_id).where(is_of_board, is_in_state_waiting(UNITS.c))
    return _answer(RUNS.c.id.in_(waiting_runs), is_of_board)


ANSWER_BOARD = _answer_board()
ANSWER_RUN = _answer(RUNS.c.id == ASKING)
HAVE_NONE_WAITING = (
    select(RUNS.c.id)
    .where(RUNS.c.id == any_(bindparam("runs", type_=ARRAY(BigInteger))))
    .where(IS_UNDER_WAY, ~answers.has_waiting_unit(RUN_REQUESTERS))
    .order_by(RUNS.c.id)
)
"""The runs under way among these of which no company waits."""
WAITING = answers.count_waiting(RUN_REQUESTERS)
