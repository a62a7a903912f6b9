"""The changes that the listing of a company makes to its user's jobs, by ids, and the counts so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Integer, Row, Text, bindparam, text

from app.db.execute import run_statement
from app.models import JobEventKind
from app.services.jobs.company_key import company_key
from app.services.runs.taking_in_statements import BEFORE, CONCERNS, COUNTS

# One row, so that the jobs that are as their postings cost two numbers each.
KNOWN = text(
    f"""
WITH known AS MATERIALIZED (
    SELECT job.id, posting.posting_id, job.status = 'ready' AND coalesce({CONCERNS}, false) AS is_gone,
           CASE WHEN job.status = 'expired' THEN posting.closed_at IS NULL
                ELSE posting.revision_id IS DISTINCT FROM job.revision_id END AS is_other
    FROM jobs AS job CROSS JOIN LATERAL (
        SELECT posting_id, revision_id, closed_at, closed_listing_id FROM postings
        WHERE postings.posting_id = job.posting_id LIMIT 1
    ) AS posting
    WHERE job.user_id = :user AND job.board_id = :board_id
)
SELECT coalesce(array_agg(posting_id), '{{}}') AS postings,
       coalesce(array_agg(id) FILTER (WHERE is_gone), '{{}}') AS gone,
       coalesce(array_agg(id) FILTER (WHERE is_other), '{{}}') AS other,
       coalesce(array_agg(posting_id) FILTER (WHERE is_other), '{{}}') AS other_postings
FROM known
"""
).bindparams(
    bindparam("user", type_=BigInteger), bindparam("board_id", type_=BigInteger), bindparam("pinned", type_=BigInteger)
)
"""The postings of which the user has jobs, and those jobs that differ: by a closing, or by content or reopening."""

# A subquery for each job looks into an index, however many events the run has.
EARLIER = text(
    """
WITH told AS MATERIALIZED (
    SELECT id, posting_id, ARRAY(
        SELECT kind FROM job_events WHERE job_events.run_id = :run AND job_events.job_id = jobs.id
    ) AS kinds
    FROM jobs WHERE user_id = :user AND board_id = :board_id
)
SELECT id, posting_id, kinds FROM told WHERE kinds <> '{}'
"""
).bindparams(
    bindparam("run", type_=Integer), bindparam("user", type_=BigInteger), bindparam("board_id", type_=BigInteger)
)
"""The jobs of one board that earlier parts of a run have changed, with the kinds of their events."""

# One scan for a company. A look-up for each posting would, by a plan from the time when the table was empty, read all
# of the user's jobs each time.
ADOPTED = text(
    """
SELECT job.id, posting.posting_id
FROM jobs AS job CROSS JOIN LATERAL (
    SELECT posting_id FROM postings
    WHERE postings.board_id = :board_id AND postings.external_id = job.external_id LIMIT 1
) AS posting
WHERE job.user_id = :user AND job.company = :company
  AND (job.board_id IS DISTINCT FROM :board_id OR job.posting_id IS DISTINCT FROM posting.posting_id)
"""
).bindparams(
    bindparam("board_id", type_=BigInteger),
    bindparam("user", type_=BigInteger),
    bindparam("company", type_=Text),
)
"""The jobs that have the key of a posting, but not its id."""

COUNTED = (JobEventKind.NEW, JobEventKind.REOPENED, JobEventKind.CHANGED)
"""The events that a matching job counts by, once a run. The first one of these that it has decides."""


@dataclass(frozen=True)
class JobChange:
    """A job that a part changes. PostgreSQL finds the content and the witnesses."""

    job_id: int
    posting_id: int | None
    """None to leave the job's own."""
    is_expiring: bool
    is_matched: bool
    earlier: str | None
    """The event by which an earlier part of the run has counted the job."""


@dataclass
class CompanyChanges:
    """The work on one company that is left, and the counts of what is done."""

    new: list[int]
    """Postings that match, without a job."""
    jobs: list[JobChange]
    held_jobs: int
    """The jobs whose closing is left to the run's question."""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def next_part(self, rows: int) -> tuple[dict[str, Any], bool]:
        """Return the parameters of the next part of at most this many rows, and if it is the last one."""
        jobs, self.jobs = self.jobs[:rows], self.jobs[rows:]
        room = rows - len(jobs)
        new, self.new = self.new[:room], self.new[room:]
        is_last = not self.new and not self.jobs
        values = {"new": new, **_columns(jobs), **{BEFORE[name]: number for name, number in self.counts.items()}}
        return {**values, "held_jobs": self.held_jobs} if is_last else values, is_last

    def add_counts(self, counts: Row[Any]) -> None:
        """Note the counts that a part returned."""
        self.counts = {name: getattr(counts, name) for name in COUNTS}


def find_changes(unit: Row[Any], matched: list[int] | None) -> CompanyChanges:
    """Compare the user's jobs with the postings of a company that match. None: find the closings alone.

    Jobs without the posting's id, but with its key, are changed instead of added.
    """
    owner = {"user": unit.user_id, "board_id": unit.board_id}
    [known] = run_statement(KNOWN, pinned=unit.pinned_listing_id, **owner)
    earlier = run_statement(EARLIER, run=unit.run_id, **owner) if unit.parts else []
    events = {row.id: row.kinds for row in earlier}
    matching, has_job = set(matched or ()), set(known.postings)
    gone = [] if unit.has_question else known.gone
    expiring = set(gone)
    other = [
        JobChange(job, posting, False, posting in matching, _first(events.get(job, ())))
        for job, posting in zip(known.other, known.other_postings, strict=True)
        if job not in expiring and matched is not None
    ]
    new = matching - has_job
    adopted = _adopted(unit, new)
    new -= {change.posting_id for change in adopted}
    return CompanyChanges(
        new=sorted(new),
        jobs=[*adopted, *other, *[JobChange(job, None, True, False, None) for job in gone]],
        held_jobs=len(known.gone) - len(gone),
        counts=_counts(earlier, matching, {change.job_id for change in other}),
    )


def _adopted(unit: Row[Any], new: set[int]) -> list[JobChange]:
    """Find the jobs that have the keys of new postings."""
    if not new:
        return []
    key = company_key(unit.source, unit.board)
    rows = run_statement(ADOPTED, board_id=unit.board_id, user=unit.user_id, company=key)
    return [JobChange(row.id, row.posting_id, False, True, None) for row in rows if row.posting_id in new]


def _first(kinds: Iterable[str]) -> str | None:
    """Return the kind that a job counts by."""
    return next((kind.value for kind in COUNTED if kind in kinds), None)


def _counts(earlier: Iterable[Row[Any]], matching: set[int], again: set[int]) -> dict[str, int]:
    """Return the counts of earlier parts, without the jobs that change again."""
    counts = dict.fromkeys(COUNTS, 0)
    for row in earlier:
        counts["expired_jobs"] += JobEventKind.EXPIRED in row.kinds
        kind = _first(row.kinds)
        if kind and row.posting_id in matching and row.id not in again:
            counts[f"{kind}_jobs"] += 1
    return counts


def _columns(jobs: list[JobChange]) -> dict[str, list[Any]]:
    """Return the jobs as parallel arrays, by id: the order in which they are locked."""
    ordered = sorted(jobs, key=lambda change: change.job_id)
    return {
        "jobs": [change.job_id for change in ordered],
        "postings": [change.posting_id for change in ordered],
        "expiring": [change.is_expiring for change in ordered],
        "matching": [change.is_matched for change in ordered],
        "earlier": [change.earlier for change in ordered],
    }
