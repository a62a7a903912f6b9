"""The removal of previews: a preview goes at once, its postings later and in batches."""

import time
from typing import Any

import structlog
from sqlalchemy import Select, any_, delete, func, select

from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.extensions import table_of
from app.models import IngestionRun, Preview, PreviewPosting, RemovedPreview, RunStatus

log = structlog.get_logger(__name__)

POSTINGS = table_of(PreviewPosting)
PREVIEWS = table_of(Preview)
REMOVED = table_of(RemovedPreview)
RUNS = table_of(IngestionRun)

MAX_REMOVED_POSTINGS = 1000
"""The most postings that one statement removes, so that it locks and logs little at a time."""

REMOVAL_SECONDS = 1.0
"""Seconds after which ``remove_postings`` starts no further batch."""


def prune(user_id: int) -> None:
    """Remove a user's finished previews, except the latest and those that an active run was started from. Commits.

    SKIP LOCKED skips a preview from which a run is being started at this moment. Raises nothing if the database is
    unavailable: the next call removes what is left.
    """
    older = PREVIEWS.alias("older")
    newest = select(func.max(older.c.preview_id)).where(older.c.user_id == user_id, older.c.finished_at.is_not(None))
    run = select(RUNS.c.id).where(RUNS.c.preview_id == PREVIEWS.c.preview_id, RUNS.c.status.in_(RunStatus.ACTIVE))
    unneeded = (
        select(PREVIEWS.c.preview_id)
        .where(PREVIEWS.c.user_id == user_id, PREVIEWS.c.finished_at.is_not(None), ~run.exists())
        .where(PREVIEWS.c.preview_id < newest.scalar_subquery())
        .with_for_update(skip_locked=True)
    )
    try:
        run_statement(delete(PREVIEWS).where(PREVIEWS.c.preview_id.in_(unneeded)))
    except DatabaseUnavailable as error:
        log.warning("old previews not removed", user_id=user_id, reason=error.reason)


def remove_postings() -> int:
    """Remove postings of removed previews, for about REMOVAL_SECONDS, and return their number. Commits.

    Callers work on different previews, and never wait for each other.
    """
    until, total = time.monotonic() + REMOVAL_SECONDS, 0
    while time.monotonic() < until and (rows := run_statement(_remove_batch())):
        total += rows[0].postings
    return total


def _remove_batch() -> Select[Any]:
    """Build the removal of a batch of one preview's postings, and of the preview's own row after the last batch.

    It returns the number of postings, or no row if no preview is left.
    """
    oldest = select(REMOVED.c.preview_id).order_by(REMOVED.c.preview_id).limit(1)
    preview = oldest.with_for_update(skip_locked=True).cte("preview")
    # The same postings stand in other previews, too.
    is_of_preview = POSTINGS.c.preview_id == select(preview.c.preview_id).scalar_subquery()
    batch = (
        select(POSTINGS.c.posting_id)
        .where(is_of_preview)
        .order_by(POSTINGS.c.posting_id)
        .limit(MAX_REMOVED_POSTINGS)
    )
    # As an array, because PostgreSQL may read the whole table for IN while the table has no statistics yet.
    is_in_batch = POSTINGS.c.posting_id == any_(func.array(batch.scalar_subquery()))
    gone = delete(POSTINGS).where(is_of_preview, is_in_batch).returning(POSTINGS.c.posting_id).cte("gone")
    count = select(func.count()).select_from(gone).scalar_subquery()
    done = delete(REMOVED).where(REMOVED.c.preview_id == preview.c.preview_id, count < MAX_REMOVED_POSTINGS)
    return select(count.label("postings")).select_from(preview).add_cte(done.cte("done"))
