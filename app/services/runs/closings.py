"""The question of a run that would expire unusually many jobs: asked when it advances, answered after its end.

This module alone writes the question's state, by guarded UPDATEs. A run that asks expires none of its closings itself.
"""

from typing import Any

import structlog
from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate, Update

from app.db.clock import NOW
from app.db.execute import inline_literals, run_statement
from app.errors import AppError
from app.extensions import table_of
from app.models import (
    Board,
    ClosingsState,
    Job,
    JobEvent,
    JobEventKind,
    JobStatus,
    Posting,
    RunClosings,
    RunCompany,
    RunStatus,
)
from app.services.runs import company_moves
from app.services.runs.errors import ClosingsAnswered, ClosingsSuperseded, NoClosings, RunActive, RunNotFound
from app.services.runs.queries import IS_ACTIVE, OWNER, RUNS

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
CLOSINGS = table_of(RunClosings)
EVENTS = table_of(JobEvent)
JOBS = table_of(Job)
POSTINGS = table_of(Posting)
UNITS = table_of(RunCompany)

MAX_UNASKED = 50
"""Jobs that a run may expire without a question."""

MAX_UNASKED_PERCENT = 20
"""Percent of the user's open jobs that a run may expire without a question. It asks if it would exceed both."""

MAX_ANSWER_ATTEMPTS = 10
"""Attempts of one answer. It is repeated if the run that was in its way has ended. More in a row indicate a bug."""

TIME = select(select(NOW.label("now")).cte("time").c.now).scalar_subquery()
"""The time, the same for all rows of a statement."""

IS_OPEN = JOBS.c.status.in_(inline_literals([JobStatus.READY]))
RUN = bindparam("answered_run", type_=Integer)
IS_THEIRS = and_(RUNS.c.id == RUN, RUNS.c.user_id == OWNER)
OTHER_RUNS = RUNS.alias("other_runs")
COUNTED_RUNS = RUNS.alias("counted_runs")
HAS_OPEN_CLOSINGS = UNITS.c.expired_jobs.is_(None)
"""The condition that the closings of a company are not noted. After that it has ended."""

ACTIVE = (
    select(OTHER_RUNS.c.id)
    .where(OTHER_RUNS.c.user_id == OWNER, OTHER_RUNS.c.status.in_(inline_literals(RunStatus.ACTIVE)))
    .scalar_subquery()
)
"""The user's active run, or NULL."""


def answer(user_id: int, run_id: int, expire: bool) -> Row[Any]:
    """Answer the question of this user's run, and return its row. Commits.

    With ``expire``, the jobs that it covers become EXPIRED; without, they stay open, and no run asks about the same
    closings again. Jobs whose posting was reopened since are left out, and so are later closings. Raises RunNotFound,
    NoClosings, ClosingsAnswered, ClosingsSuperseded, or RunActive if a run of the user is active.
    """
    for _ in range(MAX_ANSWER_ATTEMPTS):
        if rows := run_statement(EXPIRE if expire else KEEP, answered_run=run_id, owner=user_id):
            log.info("closings answered", run_id=run_id, expire=expire, expired=rows[0].expired)
            return rows[0]
        if refusal := _refusal(user_id, run_id):
            raise refusal
    raise RuntimeError(f"run {run_id}: {MAX_ANSWER_ATTEMPTS} answers in a row were refused by a run that then ended")


def _refusal(user_id: int, run_id: int) -> AppError | None:
    """Return the error that explains why the question cannot be answered now; None if nothing prevents it."""
    rows = run_statement(FIND_QUESTION, answered_run=run_id, owner=user_id)
    if not rows:
        return RunNotFound(f"There is no run {run_id}.")
    [found] = rows
    if found.state == ClosingsState.ANSWERED:
        return ClosingsAnswered(run_id)
    if found.state == ClosingsState.SUPERSEDED:
        return ClosingsSuperseded(run_id)
    if found.active == run_id or (found.active and found.state):
        return RunActive(found.active)
    return None if found.state else NoClosings(run_id)


def at_advance(moved: ReturningUpdate[Any], moving: BindParameter[int]) -> Select[Any]:
    """Build the statement that advances the run ``moving`` to INGESTING, around the UPDATE of its status. Commits.

    The UPDATE returns ``id`` and ``user_id`` of the run. The whole statement returns ``id``, and ``count`` and ``open``
    of the run's question, or NULLs if it asks none; no row if the UPDATE matches none. It pins each company of the run
    to the last listing of its board. All is of one snapshot, so the closings counted are those that the pins cover.
    Earlier questions of the user are superseded: this run counts anew.
    """
    counted = _count(moving)
    # The UPDATE needs the count, so PostgreSQL counts first: no abort waits for a lock while 100,000 jobs are counted.
    run = moved.where(select(counted.c.count).scalar_subquery().is_not(None)).cte("moved")
    companies = company_moves.locking(
        select(UNITS.c.run_id, UNITS.c.position, BOARDS.c.listing_id)
        .join(run, run.c.id == UNITS.c.run_id)
        .join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .where(HAS_OPEN_CLOSINGS)
    ).cte("companies")
    pinned = company_moves.change(companies, pinned_listing_id=companies.c.listing_id).cte("pinned")
    earlier = (CLOSINGS.c.user_id == run.c.user_id, CLOSINGS.c.run_id != run.c.id)
    superseded = _move(ClosingsState.SUPERSEDED, *earlier).cte("superseded")
    too_many = counted.c.count * 100 > counted.c.open * MAX_UNASKED_PERCENT
    question = select(run.c.id, run.c.user_id, counted).join(counted, too_many)
    asking = insert(CLOSINGS).from_select(["run_id", "user_id", "count", "open"], question)
    asked = asking.returning(CLOSINGS.c.run_id, CLOSINGS.c.count, CLOSINGS.c.open).cte("asked")
    result = run.outerjoin(asked, asked.c.run_id == run.c.id)
    return select(run.c.id, asked.c.count, asked.c.open).select_from(result).add_cte(pinned, superseded)


def _count(run_id: BindParameter[int]) -> CTE:
    """Build the count of the jobs that a run would expire; with it the user's open ones if there may be a question."""
    user = select(COUNTED_RUNS.c.user_id).where(COUNTED_RUNS.c.id == run_id).scalar_subquery()
    companies = (
        select(UNITS.c.board_id, BOARDS.c.listing_id, user.label("user_id"))
        .join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .where(UNITS.c.run_id == run_id, HAS_OPEN_CLOSINGS)
        .subquery("counted_companies")
    )
    closings = select(func.count().label("count")).select_from(find_closings(companies).subquery()).subquery("closings")
    open_jobs = select(func.count()).where(JOBS.c.user_id == user, IS_OPEN).scalar_subquery()
    return select(closings.c.count, case((closings.c.count > MAX_UNASKED, open_jobs)).label("open")).cte("counted")


def find_closings(companies: FromClause) -> Select[Any]:
    """Build the selection of the open jobs that closings by listings up to ``listing_id`` of their company concern.

    ``companies`` have a ``board_id``, a ``listing_id`` and the ``user_id``. A closing that the user declined concerns
    the job no more; another closing of the same posting has another last witness.
    """
    closing = (
        select(POSTINGS.c.closed_reason, POSTINGS.c.closed_listing_id, POSTINGS.c.missing_listing_id)
        .where(POSTINGS.c.posting_id == JOBS.c.posting_id, POSTINGS.c.closed_at.is_not(None))
        .where(POSTINGS.c.closed_listing_id <= companies.c.listing_id)
        .limit(1)  # look up posting by posting, whatever numbers the planner assumes
        .lateral("closing")
    )
    is_of_company = and_(JOBS.c.user_id == companies.c.user_id, JOBS.c.board_id == companies.c.board_id)
    return (
        select(JOBS.c.id, JOBS.c.user_id, JOBS.c.revision_id, *closing.c)
        .select_from(companies)
        .join(JOBS, is_of_company)
        .join(closing, true())
        .where(IS_OPEN, JOBS.c.kept_listing_id.is_distinct_from(closing.c.closed_listing_id))
    )


def _answer(*, expire: bool) -> ReturningUpdate[Any]:
    """Build the statement that answers the question of a run, if the run has ended and none of its user is active.

    It locks the run, the question, and the jobs by id. So of two answers at once, the second one finds none asked.
    """
    run = select(RUNS.c.id).where(IS_THEIRS, ~IS_ACTIVE).with_for_update(key_share=True).cte("run")
    is_asked = CLOSINGS.c.state.in_(inline_literals(ClosingsState.ANSWERED.sources))
    question = (
        select(CLOSINGS.c.run_id, CLOSINGS.c.user_id)
        .join(run, run.c.id == CLOSINGS.c.run_id)
        .where(is_asked, ACTIVE.is_(None))
        .with_for_update(of=CLOSINGS, key_share=True)
        .cte("question")
    )
    companies = (
        select(UNITS.c.board_id, UNITS.c.pinned_listing_id.label("listing_id"), question.c.user_id)
        .join(question, question.c.run_id == UNITS.c.run_id)
        .subquery("companies")
    )
    covered = find_closings(companies).order_by(JOBS.c.id).with_for_update(of=JOBS, key_share=True).cte("covered")
    written = _expire(covered) if expire else _keep(covered)
    expired = select(func.count()).select_from(covered).scalar_subquery() if expire else 0
    answered = _move(ClosingsState.ANSWERED, CLOSINGS.c.run_id == question.c.run_id)
    answered = answered.values(expire=expire, expired=expired, answered_at=TIME)
    return answered.returning(*CLOSINGS.c).add_cte(*written)


def _expire(covered: CTE) -> list[CTE]:
    """Build the statements that expire the covered jobs, with an event that names both witnesses."""
    values = {"status": JobStatus.EXPIRED, "expired_at": TIME, "updated_at": TIME, "run_id": RUN}
    jobs = update(JOBS).where(JOBS.c.id == covered.c.id).values(values).cte("jobs_expired")
    event = {
        "job_id": covered.c.id,
        "user_id": covered.c.user_id,
        "run_id": RUN,
        "kind": literal(JobEventKind.EXPIRED, EVENTS.c.kind.type),
        "revision_id": covered.c.revision_id,
        "reason": covered.c.closed_reason,
        "at": TIME,
        "listing_id": covered.c.closed_listing_id,
        "witness_listing_id": covered.c.missing_listing_id,
    }
    events = insert(EVENTS).from_select([*event], select(*event.values()).order_by(covered.c.id)).cte("events")
    return [jobs, events]


def _keep(covered: CTE) -> list[CTE]:
    """Build the statement that notes the declined closing on the covered jobs."""
    kept = update(JOBS).where(JOBS.c.id == covered.c.id).values(kept_listing_id=covered.c.closed_listing_id)
    return [kept.cte("jobs_kept")]


def _move(to: ClosingsState, *conditions: ColumnElement[bool]) -> Update:
    is_legal = CLOSINGS.c.state.in_(inline_literals(to.sources))
    return update(CLOSINGS).where(is_legal, *conditions).values(state=to)


EXPIRE = _answer(expire=True)
KEEP = _answer(expire=False)
FIND_QUESTION = (
    select(CLOSINGS.c.state, ACTIVE.label("active"))
    .select_from(RUNS.outerjoin(CLOSINGS, CLOSINGS.c.run_id == RUNS.c.id))
    .where(IS_THEIRS)
)
"""The state of a run's question, if it has one, and the user's active run, if there is one."""
