"""The outbox of previews: the unfinished ones whose message is due. A preview's row is its own outbox entry."""

from sqlalchemy import func, select, update

from app.db.clock import seconds_from_now
from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Preview
from app.observability import metrics
from app.services import publisher

PREVIEWS = table_of(Preview)

BACKOFF_SECONDS = 30
"""Seconds from a publish to the next one; more than a slice of work. It does not grow, because a user waits for the
preview, and the preview has a deadline."""


def claim_due() -> list[int]:
    """Claim the previews whose message is due and return their ids, the most overdue first. Commits.

    Extra messages are harmless. SKIP LOCKED works as for runs.
    """
    # Read once a statement: a volatile function would keep PostgreSQL from the index.
    now = select(func.clock_now()).scalar_subquery()
    due = (
        select(PREVIEWS.c.preview_id, PREVIEWS.c.next_dispatch_at)
        .where(PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.next_dispatch_at <= now, PREVIEWS.c.deadline_at > now)
        .order_by(PREVIEWS.c.next_dispatch_at)
        .limit(publisher.BATCH_SIZE)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(PREVIEWS)
        .where(PREVIEWS.c.preview_id == due.c.preview_id)
        .values(next_dispatch_at=seconds_from_now(publisher.CLAIM_SECONDS))
        .returning(PREVIEWS.c.preview_id, due.c.next_dispatch_at)
    )
    return [row.preview_id for row in sorted(run_statement(claimed), key=lambda row: row.next_dispatch_at)]


def mark_published(preview_id: int) -> None:
    """Record that the preview's message was published, and when it is due again. Commits."""
    run_statement(
        update(PREVIEWS)
        .where(PREVIEWS.c.preview_id == preview_id)
        .values(
            dispatched_at=func.clock_now(),
            dispatch_count=PREVIEWS.c.dispatch_count + 1,
            next_dispatch_at=seconds_from_now(BACKOFF_SECONDS),
        )
    )


def publish(preview_id: int) -> bool:
    """Publish the preview's message, as ``publisher.publish`` does. Commits."""
    return publisher.publish(MESSAGE, preview_id)


MESSAGE = publisher.MessageType(
    task="preview.run",
    subject="preview",
    mark_published=mark_published,
    # It is published again after each pause, so at most two messages wait for a worker.
    expires=BACKOFF_SECONDS * 2,
    publishes=metrics.PREVIEW_PUBLISHES,
)
