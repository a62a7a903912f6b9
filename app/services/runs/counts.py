"""Counts of runs as their companies are now, and the revision, a number that grows with the progress of a run."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    case,
    cast,
    false,
    func,
    literal,
    select,
    true,
    type_coerce,
)

from app.db.clock import NOW
from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import Board, RunClosings, RunCompany, RunCompanyState, RunStatus

BOARDS = table_of(Board)
CLOSINGS = table_of(RunClosings)
UNITS = table_of(RunCompany)

READING = "reading"
"""The state of a company, as users see it, that waits while its board is being read."""

ORDINALS = {RunStatus.PENDING: 0, RunStatus.INITIALIZING: 1, RunStatus.INGESTING: 2}
ENDED_ORDINAL = 3
STATUS_FACTOR = 10**13
UNIT_FACTOR = 10**9
"""More than a run has jobs. Twice the most companies times this is less than STATUS_FACTOR."""

JOBS = ("jobs_new", "jobs_changed", "jobs_reopened", "jobs_unchanged")
ENDED = (RunCompanyState.TAKEN_IN, RunCompanyState.FAILED)
ANSWERED = ("state", "count", "open", "expire", "expired", "answered_at")
"""The columns of a run's question that its user sees."""


def with_counts(runs: FromClause) -> Select[Any]:
    """Select these rows of ``ingestion_runs`` with ``server_time``, ``revision``, the counts and the question.

    One statement has one snapshot, so the counts add up. The companies of each run are read once. The columns of the
    question are called ``closings_state`` and the like; all are NULL without one.
    """
    counts = _counts(runs.c.id).lateral("units")
    reads = _reading(runs).lateral("reads")
    question = [CLOSINGS.c[name].label(f"closings_{name}") for name in ANSWERED]
    return select(
        runs,
        NOW.label("server_time"),
        revision(runs, counts).label("revision"),
        (counts.c.waiting - reads.c.reading).label("companies_waiting"),
        reads.c.reading.label("companies_reading"),
        *[counts.c[f"companies_{state}"] for state in ("read", *(ended.value for ended in ENDED))],
        *[counts.c[name] for name in JOBS],
        counts.c.jobs_done,
        *question,
    ).select_from(
        runs.join(counts, true()).join(reads, true()).outerjoin(CLOSINGS, CLOSINGS.c.run_id == runs.c.id)
    )


def revision(runs: FromClause, counts: FromClause) -> ColumnElement[int]:
    """Build the revision of a run: it only grows, and stays below 2^53.

    A company counts once when it is read and once more when it has ended. So a company that fails after some of its
    jobs were written never lowers it.
    """
    ordinal = case(*[(_has(runs, status), number) for status, number in ORDINALS.items()], else_=ENDED_ORDINAL)
    companies = counts.c.answered + counts.c.ended
    jobs = counts.c.jobs_new + counts.c.jobs_changed + counts.c.jobs_reopened + counts.c.jobs_unchanged
    return cast(ordinal, BigInteger) * STATUS_FACTOR + companies * UNIT_FACTOR + jobs


def counts_of(runs: FromClause) -> FromClause:
    """Build the counts of each of these runs, to be joined to them."""
    return _counts(runs.c.id).lateral("units")


def shown_state(runs: FromClause) -> ColumnElement[str]:
    """Build a company's state as users see it. It must be joined to its run and, by an outer join, to its board.

    A board may be read for others, so a company of an ended run is never being read.
    """
    state = type_coerce(UNITS.c.state, String)
    reads = (state == RunCompanyState.WAITING.value) & _is_leased() & _is_active(runs)
    return case((reads, READING), else_=state)


def _counts(run_id: ColumnElement[int]) -> Select[Any]:
    def companies(*states: RunCompanyState) -> ColumnElement[int]:
        return func.count().filter(UNITS.c.state.in_(inline_literals(states)))

    def total(jobs: ColumnElement[int]) -> ColumnElement[int]:
        return cast(func.coalesce(func.sum(jobs), 0), BigInteger)

    numbers = {name: UNITS.c[f"{name.removeprefix('jobs_')}_jobs"] for name in JOBS}
    done = sum((func.coalesce(number, 0) for number in numbers.values()), start=literal(0))
    # This never exceeds total_jobs: a company that failed is no part of it, and a board may offer less between parts.
    is_left = UNITS.c.state.not_in(inline_literals([RunCompanyState.FAILED]))
    columns: list[ColumnElement[Any]] = [
        companies(RunCompanyState.WAITING).label("waiting"),
        companies(RunCompanyState.READ, *ENDED).label("answered"),
        companies(*ENDED).label("ended"),
        *[companies(state).label(f"companies_{state.value}") for state in (RunCompanyState.READ, *ENDED)],
        *[total(jobs).label(name) for name, jobs in numbers.items()],
        total(case((is_left, func.least(done, UNITS.c.matched)))).label("jobs_done"),
    ]
    return select(*columns).where(UNITS.c.run_id == run_id)


def _reading(runs: FromClause) -> Select[Any]:
    """Select the number of a run's companies whose boards are being read; 0 for an ended run."""
    waits = UNITS.c.state.in_(inline_literals([RunCompanyState.WAITING]))
    return (
        select(func.count().label("reading"))
        .select_from(UNITS.join(BOARDS, BOARDS.c.board_id == UNITS.c.board_id))
        .where(_is_active(runs), UNITS.c.run_id == runs.c.id, waits, _is_leased())
    )


def _is_leased() -> ColumnElement[bool]:
    return func.coalesce(BOARDS.c.lease_until > select(NOW).scalar_subquery(), false())


def _is_active(runs: FromClause) -> ColumnElement[bool]:
    return runs.c.status.in_(inline_literals(RunStatus.ACTIVE))


def _has(runs: FromClause, status: RunStatus) -> ColumnElement[bool]:
    return runs.c.status.in_(inline_literals([status]))
