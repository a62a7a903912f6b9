"""Read jobs: a page of them, or one with its texts and its history.

A job's status says what runs did with it. Its *state* adds what its board says now, which no run may have noted yet.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from app.concurrency.compute_pool import PARSING_POOL
from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Company, Job, JobEvent, JobStatus, Posting
from app.services.jobs.errors import JobNotFound
from app.services.jobs.folding import folded
from app.sources.title_filter import Rule, TitleFilter

JOBS = table_of(Job)
EVENTS = table_of(JobEvent)
COMPANIES = table_of(Company)
POSTINGS = table_of(Posting)

SHORT = (
    "id user_id run_id company external_id title location locations workplace employment_type pay posted_at created_at"
    " updated_at is_baseline status expired_at url source board_id posting_id"
).split()
LONG = ("description", "requirements")
"""Columns that only ``get`` reads, because they are long."""

MAX_KEY_LENGTH = 100
"""Characters by which titles and names are sorted. Jobs with the same ones come newest first."""

Place = tuple[str, int]
"""The place of a job in a list: its sort key and its id."""


class JobState(StrEnum):
    """The state of a job as users see it. The first one that holds is shown, from the bottom up."""

    OPEN = "open"
    """Its board offers it."""

    MISSING = "missing"
    """Its board does not offer it any more, or not at the last reading. No run has noted that it is gone."""

    UNFOLLOWED = "unfollowed"
    """No enabled company of the user has its board: runs do not look after it."""

    GONE = "gone"
    """A run noted that it is gone."""


class JobSort(StrEnum):
    """An order of jobs."""

    NEWEST = "newest"
    """By id, which is the order in which runs found them."""

    OLDEST = "oldest"
    TITLE = "title"
    COMPANY = "company"


IS_GONE = JOBS.c.status.in_(inline_literals([JobStatus.EXPIRED]))
# COALESCE keeps the join an outer one. The planner then begins with the jobs in their order, and stops after a page:
# measured with 100,000 jobs, the open ones take 12 ms instead of 207.
IS_FOLLOWED = func.coalesce(COMPANIES.c.enabled, false())
IS_MISSING = POSTINGS.c.missing_since.is_not(None)
CONDITIONS = {
    JobState.GONE: IS_GONE,
    JobState.UNFOLLOWED: and_(~IS_GONE, ~IS_FOLLOWED),
    JobState.MISSING: and_(~IS_GONE, IS_FOLLOWED, IS_MISSING),
    JobState.OPEN: and_(~IS_GONE, IS_FOLLOWED, POSTINGS.c.missing_since.is_(None)),
}
STATE = case(*[(condition, literal_column(f"'{state}'", Text)) for state, condition in CONDITIONS.items()])

COMPANY_NAME = func.coalesce(COMPANIES.c.name, JOBS.c.company_name)
"""The user's present name for the company; the one at the last change of the job if they have the company no more."""

SORT_KEYS = {
    JobSort.NEWEST: literal_column("''", Text),
    JobSort.OLDEST: literal_column("''", Text),
    JobSort.TITLE: func.left(folded(func.coalesce(JOBS.c.title, "")), MAX_KEY_LENGTH).collate("C"),
    JobSort.COMPANY: func.left(folded(func.coalesce(COMPANY_NAME, "")), MAX_KEY_LENGTH).collate("C"),
}


def page(
    user_id: int | None = None,
    *,
    company: str | None = None,
    source: str | None = None,
    run: int | None = None,
    state: str | None = None,
    q: str | None = None,
    sort: str = JobSort.NEWEST,
    after: Place | None = None,
    limit: int = 50,
) -> tuple[list[Row[Any]], Place | None]:
    """Return a page of a user's jobs (None: of all users), and the ``after`` of the next page.

    ``company`` is the key of a board, ``run`` a run that changed the jobs. Each word of ``q`` must be in the title, in
    any case and with any accents; it may be a part of a word there. A job that is found while a user turns pages is on
    its own page or on none, and moves no other job.
    """
    order = JobSort(sort)
    jobs = _jobs(*SHORT).add_columns(SORT_KEYS[order].label("sort_key"))
    equals = [(JOBS.c.user_id, user_id), (JOBS.c.company, company), (JOBS.c.source, source)]
    jobs = jobs.where(*[column == value for column, value in equals if value is not None])
    if run is not None:
        jobs = jobs.where(JOBS.c.id.in_(select(EVENTS.c.job_id).where(EVENTS.c.run_id == run)))
    if state is not None:
        jobs = jobs.where(CONDITIONS[JobState(state)])
    for word in (q or "").split():
        # The word is folded by the same SQL, once a statement.
        jobs = jobs.where(func.strpos(folded(JOBS.c.title), select(folded(_text(word))).scalar_subquery()) > 0)
    # As a parameter, the limit would be unknown to the generic plan.
    rows = run_statement(_ordered(jobs, order, after).limit(literal_column(str(limit + 1))))
    last = rows[limit - 1] if len(rows) > limit else None
    return list(rows[:limit]), (last.sort_key, last.id) if last else None


def get(job_id: int, user_id: int | None = None) -> tuple[Row[Any], Rule | None]:
    """Return a job of this user (None: of any user) with its texts, and the decision of the present filters.

    The decision is None if the user has the company no more. Raises JobNotFound.
    """
    wanted = _jobs(*SHORT, *LONG).add_columns(COMPANIES.c.include, COMPANIES.c.exclude).where(JOBS.c.id == job_id)
    rows = run_statement(wanted if user_id is None else wanted.where(JOBS.c.user_id == user_id))
    if not rows:
        raise JobNotFound(f"There is no job {job_id}.")
    job = rows[0]
    has_rule = job.include is not None and job.title is not None
    return job, PARSING_POOL.run(_decide, job.include, job.exclude, job.title) if has_rule else None


def history(job_id: int) -> Sequence[Row[Any]]:
    """Return the changes of a job, the newest last."""
    return run_statement(select(EVENTS).where(EVENTS.c.job_id == job_id).order_by(EVENTS.c.event_id))


def _jobs(*columns: str) -> Select[Any]:
    """Select jobs with these columns, and with what the company and the posting say now."""
    company = and_(COMPANIES.c.user_id == JOBS.c.user_id, COMPANIES.c.board_id == JOBS.c.board_id)
    return (
        select(
            *[JOBS.c[name] for name in columns],
            COMPANY_NAME.label("company_name"),
            STATE.label("state"),
            POSTINGS.c.missing_since,
        )
        .select_from(JOBS)
        .outerjoin(COMPANIES, company)
        .outerjoin(POSTINGS, POSTINGS.c.posting_id == JOBS.c.posting_id)
    )


def _ordered(jobs: Select[Any], order: JobSort, after: Place | None) -> Select[Any]:
    """Sort the jobs, and leave out those up to a place. Jobs with the same key come newest first."""
    key, number = SORT_KEYS[order], JOBS.c.id
    if order in (JobSort.NEWEST, JobSort.OLDEST):
        if after is not None:
            jobs = jobs.where(number > after[1] if order is JobSort.OLDEST else number < after[1])
        return jobs.order_by(number.asc() if order is JobSort.OLDEST else number.desc())
    if after is not None:
        jobs = jobs.where(tuple_(key, -number) > tuple_(_text(after[0]), -after[1]))
    return jobs.order_by(key, number.desc())


def _text(value: str) -> ColumnElement[str]:
    return cast(literal(value), Text)


def _decide(include: Sequence[str], exclude: Sequence[str], title: str) -> Rule:
    return TitleFilter(include, exclude).decide(title)
