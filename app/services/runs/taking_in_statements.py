"""The statements by which a run finds the next company to take in, and writes its jobs in guarded parts.

A part locks the run, then the company, then jobs by id. It writes nothing at all if the run has ended, if another
worker has written a part of the company, or if the board has another listing than the one decided on. It does not lock
the board: what follows a listing stays right when the next one is being stored.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    column,
    func,
    or_,
    select,
    text,
    update,
)

from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import Board, RunClosings, RunCompanyState, RunStatus
from app.services.runs import company_moves
from app.services.runs.company_moves import IS_READ, NOW, RUNS, UNITS

BOARDS = table_of(Board)
CLOSINGS = table_of(RunClosings)

RUN = bindparam("run", type_=Integer)
POSITION = bindparam("at_position", type_=Integer)
LISTING = bindparam("listing", type_=BigInteger)

IS_FAILED = and_(UNITS.c.state.in_(inline_literals([RunCompanyState.FAILED])), UNITS.c.expired_jobs.is_(None))
IS_INGESTING = RUNS.c.status.in_(inline_literals([RunStatus.INGESTING]))

UNIT_NAMES = (
    "run_id", "position", "board_id", "source", "board", "name", "include", "exclude", "state", "is_baseline",
    "listing_id", "matched", "pinned_listing_id", "parts",
)
UNIT_COLUMNS = [UNITS.c[name] for name in UNIT_NAMES]

FIND = (
    select(
        *UNIT_COLUMNS,
        RUNS.c.user_id,
        select(CLOSINGS.c.run_id).where(CLOSINGS.c.run_id == RUNS.c.id).exists().label("has_question"),
    )
    .join(RUNS, RUNS.c.id == UNITS.c.run_id)
    .where(RUNS.c.id == RUN, IS_INGESTING, UNITS.c.position >= POSITION)
    .where(or_(and_(IS_READ, UNITS.c.matched.is_not(None)), IS_FAILED))
    .order_by(UNITS.c.position)
    .limit(1)
)
"""The next company of a run that can be taken in, or that failed and whose closings are not noted yet."""

CONCERNS = "posting.closed_listing_id <= :pinned AND job.kept_listing_id IS DISTINCT FROM posting.closed_listing_id"
"""The condition that the closing of a posting expires its open job: the run knows it, and no user has declined it."""

HELD = """
SELECT given.is_expiring, given.is_matched, given.earlier, job.*
FROM unit
CROSS JOIN unnest(:jobs, :postings, :expiring, :matching, :earlier)
    AS given (job_id, posting_id, is_expiring, is_matched, earlier)
CROSS JOIN LATERAL (
    SELECT jobs.id, jobs.status, jobs.revision_id, jobs.kept_listing_id, jobs.title, jobs.locations, jobs.workplace,
           jobs.employment_type, jobs.pay, jobs.description, jobs.requirements,
           coalesce(given.posting_id, jobs.posting_id) AS posting_id
    FROM jobs WHERE jobs.id = given.job_id AND jobs.user_id = unit.user_id LIMIT 1 FOR NO KEY UPDATE
) AS job
"""
"""The jobs to change, locked in the order of their ids, in which they are given."""

GONE = f"""
SELECT job.id, job.revision_id, posting.closed_reason, posting.closed_listing_id, posting.missing_listing_id
FROM held AS job
CROSS JOIN unit
CROSS JOIN LATERAL (
    SELECT closed_reason, closed_listing_id, missing_listing_id FROM postings
    WHERE postings.posting_id = job.posting_id LIMIT 1
) AS posting
WHERE job.is_expiring AND job.status = 'ready'
  AND {CONCERNS.replace(":pinned", "unit.pinned_listing_id")}
"""

# Only fields that a reading called changed count: a new parser's other text, or one that was missing, is no change of
# the posting. A field that changed and changed back differs in no event's sense either.
FOLLOWED = """
SELECT job.id, job.is_matched, job.earlier, posting.posting_id, posting.revision_id, job.status = 'expired' AS is_back,
       ARRAY(
           SELECT field FROM unnest(ARRAY[
               CASE WHEN job.title <> revision.title THEN 'title' END,
               CASE WHEN NOT (job.locations <@ revision.locations AND job.locations @> revision.locations)
                    THEN 'locations' END,
               CASE WHEN job.workplace IS DISTINCT FROM revision.workplace THEN 'workplace' END,
               CASE WHEN job.employment_type IS DISTINCT FROM revision.employment_type THEN 'employment_type' END,
               CASE WHEN job.pay IS DISTINCT FROM revision.pay THEN 'pay' END,
               CASE WHEN revision.description IS NULL AND job.description IS NOT NULL
                    OR revision.description <> job.description THEN 'description' END,
               CASE WHEN revision.requirements IS NULL AND job.requirements IS NOT NULL
                    OR revision.requirements <> job.requirements THEN 'requirements' END
           ]) AS field
           WHERE field IN (
               SELECT unnest(event.fields) FROM posting_events AS event
               WHERE event.posting_id = posting.posting_id AND event.kind = 'changed'
                 AND event.revision_id > job.revision_id
           )
       ) AS fields
FROM held AS job
CROSS JOIN LATERAL (
    SELECT posting_id, revision_id, closed_at FROM postings WHERE postings.posting_id = job.posting_id LIMIT 1
) AS posting
CROSS JOIN LATERAL (
    SELECT * FROM posting_revisions AS revisions WHERE revisions.revision_id = posting.revision_id LIMIT 1
) AS revision
WHERE NOT job.is_expiring AND (job.status <> 'expired' OR posting.closed_at IS NULL)
"""

ADDED = """
INSERT INTO jobs (
    run_id, user_id, company, external_id, url, status, title, location, description, requirements, simhash,
    created_at, updated_at, company_name, source, board_id, posting_id, revision_id, locations, department, workplace,
    employment_type, pay, posted_at, is_baseline
)
SELECT unit.run_id, unit.user_id, :company, posting.external_id, revision.url, 'ready', revision.title,
       array_to_string(revision.locations, '; '), revision.description, revision.requirements, revision.simhash,
       unit.now, unit.now, unit.name, unit.source, unit.board_id, posting.posting_id, revision.revision_id,
       revision.locations, revision.department, revision.workplace, revision.employment_type, revision.pay,
       revision.posted_at, unit.is_baseline
FROM unit
CROSS JOIN unnest(:new) AS given (posting_id)
CROSS JOIN LATERAL (
    SELECT posting_id, revision_id, external_id FROM postings WHERE postings.posting_id = given.posting_id LIMIT 1
) AS posting
CROSS JOIN LATERAL (
    SELECT * FROM posting_revisions AS revisions WHERE revisions.revision_id = posting.revision_id LIMIT 1
) AS revision
RETURNING id, revision_id
"""

# The run is the one that last changed the job; following in silence is no change.
UPDATED = """
UPDATE jobs SET status = 'ready', expired_at = NULL,
    kept_listing_id = CASE WHEN NOT followed.is_back THEN jobs.kept_listing_id END,
    run_id = CASE WHEN followed.is_back OR followed.fields <> '{}' THEN unit.run_id ELSE jobs.run_id END,
    updated_at = unit.now, company_name = unit.name, source = unit.source, board_id = unit.board_id,
    posting_id = followed.posting_id, revision_id = followed.revision_id, url = revision.url, title = revision.title,
    location = array_to_string(revision.locations, '; '), locations = revision.locations,
    department = revision.department, workplace = revision.workplace, employment_type = revision.employment_type,
    pay = revision.pay, posted_at = revision.posted_at, description = revision.description,
    requirements = revision.requirements, simhash = revision.simhash
FROM unit CROSS JOIN followed CROSS JOIN LATERAL (
    SELECT * FROM posting_revisions AS revisions WHERE revisions.revision_id = followed.revision_id LIMIT 1
) AS revision
WHERE jobs.id = followed.id
"""

EXPIRED = """
UPDATE jobs SET status = 'expired', expired_at = unit.now, run_id = unit.run_id, updated_at = unit.now
FROM unit CROSS JOIN gone WHERE jobs.id = gone.id
"""

TOLD = """
INSERT INTO job_events (
    job_id, user_id, run_id, at, kind, revision_id, listing_id, fields, is_baseline, reason, witness_listing_id
)
SELECT event.id, unit.user_id, unit.run_id, unit.now, event.kind, event.revision_id,
       coalesce(event.closed_listing_id, unit.listing_id), event.fields, event.kind = 'new' AND unit.is_baseline,
       event.closed_reason, event.missing_listing_id
FROM unit CROSS JOIN (
    SELECT id, 'new' AS kind, revision_id, CAST('{}' AS text[]) AS fields, CAST(NULL AS text) AS closed_reason,
           CAST(NULL AS bigint) AS closed_listing_id, CAST(NULL AS bigint) AS missing_listing_id FROM added
    UNION ALL SELECT id, 'reopened', revision_id, '{}', NULL, NULL, NULL FROM followed WHERE is_back
    UNION ALL SELECT id, 'changed', revision_id, fields, NULL, NULL, NULL FROM followed WHERE fields <> '{}'
    UNION ALL SELECT id, 'expired', revision_id, '{}', closed_reason, closed_listing_id, missing_listing_id FROM gone
) AS event
"""

# A job counts once a run, also if an earlier part changed it and the board has got another listing since.
RESULT = """
SELECT unit.run_id, unit.position,
       :new_before + (SELECT count(*) FROM added) + counted.new AS new_jobs,
       :changed_before + counted.changed AS changed_jobs,
       :reopened_before + counted.reopened AS reopened_jobs,
       :expired_before + (SELECT count(*) FROM gone) AS expired_jobs
FROM unit CROSS JOIN (
    SELECT count(*) FILTER (WHERE kind = 'new') AS new, count(*) FILTER (WHERE kind = 'changed') AS changed,
           count(*) FILTER (WHERE kind = 'reopened') AS reopened
    FROM (
        SELECT CASE WHEN earlier = 'new' THEN 'new' WHEN earlier = 'reopened' OR is_back THEN 'reopened'
                    WHEN earlier = 'changed' OR fields <> '{}' THEN 'changed' END AS kind
        FROM followed WHERE is_matched
    ) AS kinds
) AS counted
"""

COUNTS = ("new_jobs", "changed_jobs", "reopened_jobs", "expired_jobs")
BEFORE = {name: name.replace("_jobs", "_before") for name in COUNTS}
"""The parameters with the counts of the parts before. SQLAlchemy would set a column from one of its own name."""

GIVEN = [
    bindparam("jobs", type_=ARRAY(Integer)),
    bindparam("postings", type_=ARRAY(BigInteger)),
    bindparam("expiring", type_=ARRAY(Boolean)),
    bindparam("matching", type_=ARRAY(Boolean)),
    bindparam("earlier", type_=ARRAY(Text)),
]


def _cte(name: str, statement: str, *parameters: Any, columns: tuple[str, ...] = ()) -> CTE:
    return text(statement).bindparams(*parameters).columns(*[column(each, Integer) for each in columns]).cte(name)


def _part(*conditions: ColumnElement[bool], is_last: bool, is_failed: bool = False) -> Select[Any]:
    """Build the statement that writes a part of a company which meets the conditions, and ends it if it is the last.

    It returns the counts of the run's company so far; no row if it wrote nothing.
    """
    run = company_moves.lock_runs(RUNS.c.id == RUN, IS_INGESTING)
    unit = company_moves.locking(
        select(*UNIT_COLUMNS, run.c.user_id, NOW.label("now"))
        .join(run, run.c.id == UNITS.c.run_id)
        .where(UNITS.c.position == POSITION, UNITS.c.parts == bindparam("seen_parts", type_=Integer), *conditions)
    ).cte("unit")
    held = _cte("held", HELD, *GIVEN)
    gone, followed = _cte("gone", GONE), _cte("followed", FOLLOWED)
    added = _cte("added", ADDED, bindparam("new", type_=ARRAY(BigInteger)), bindparam("company", type_=Text))
    written = [_cte("updated", UPDATED), _cte("expired", EXPIRED), _cte("told", TOLD)]
    before = [bindparam(name, type_=Integer) for name in BEFORE.values()]
    result = _cte("result", RESULT, *before, columns=("run_id", "position", *COUNTS))
    jobs = {name: result.c[name] for name in COUNTS[:3]}
    end: dict[str, Any] = {
        "expired_jobs": result.c.expired_jobs, "held_closings": bindparam("held_jobs", type_=Integer)
    }
    more = {"parts": UNITS.c.parts + 1}
    if is_failed:
        ended = company_moves.change(result, **more, **(end if is_last else {}))
    elif is_last:
        rest = UNITS.c.matched - result.c.new_jobs - result.c.changed_jobs - result.c.reopened_jobs
        ended = company_moves.take_in(result, **jobs, unchanged_jobs=rest, **end, **more)
    else:
        # A board that offers less by now must not lower the run's revision. The last part sets the true counts.
        so_far = {name: func.greatest(UNITS.c[name], number) for name, number in jobs.items()}
        ended = company_moves.change(result, **so_far, **more)
    # Progress: the run's next messages are no repeats.
    progress = update(RUNS).where(RUNS.c.id == result.c.run_id, RUNS.c.attempts != 0).values(attempts=0)
    ended_rows = ended.returning(*[result.c[name] for name in COUNTS]).cte("ended")
    return select(ended_rows).add_cte(
        run, unit, held, gone, followed, added, *written, result, progress.cte("progress")
    )


HAS_LISTING = (
    select(BOARDS.c.board_id)
    .where(BOARDS.c.board_id == UNITS.c.board_id, BOARDS.c.content_listing_id == LISTING)
    .exists()
)
IS_AS_DECIDED = and_(
    IS_READ, UNITS.c.listing_id == LISTING, UNITS.c.matched == bindparam("seen_matched", type_=Integer), HAS_LISTING
)

PART = _part(IS_AS_DECIDED, is_last=False)
LAST_PART = _part(IS_AS_DECIDED, is_last=True)
FAILED_PART = _part(IS_FAILED, is_last=False, is_failed=True)
LAST_FAILED_PART = _part(IS_FAILED, is_last=True, is_failed=True)
