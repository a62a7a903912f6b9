"""The outbox of previews: which unfinished ones nobody is at work on. The preview's row itself is the outbox entry."""

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from app.extensions import table_of
from app.models import ListingState, Preview, PreviewCompany
from app.services.database import run_statement, seconds_from_now
from app.services.dispatches import BATCH, TAKE_WINDOW
from app.services.preview_ends import MOST_ATTEMPTS

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

BACK_OFF = 30
"""Seconds from a publish to the next one, should nobody have begun meanwhile. It does not grow: a preview is for
somebody who waits, and has an end of its own."""


def take_due() -> list[int]:
    """Take the previews whose message is due, the most overdue first, and return their ids. Commits.

    Due is one of which something can be taken while nothing is being listed: a worker that is at work holds leases, one
    that fell silent holds them no longer. SKIP LOCKED as where runs are taken.
    """
    now = func.clock_timestamp()
    of_it = UNITS.c.preview_id == PREVIEWS.c.preview_id
    at_work = select(UNITS.c.position).where(of_it, UNITS.c.state == ListingState.LISTING, UNITS.c.lease_until > now)
    due = (
        select(PREVIEWS.c.preview_id, PREVIEWS.c.next_dispatch_at)
        .where(PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.next_dispatch_at <= now, PREVIEWS.c.deadline_at > now)
        .where(select(UNITS.c.position).where(of_it, takeable()).exists(), ~at_work.exists())
        .order_by(PREVIEWS.c.next_dispatch_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(PREVIEWS)
        .where(PREVIEWS.c.preview_id == due.c.preview_id)
        .values(next_dispatch_at=seconds_from_now(TAKE_WINDOW))
        .returning(PREVIEWS.c.preview_id, due.c.next_dispatch_at)
    )
    return [row.preview_id for row in sorted(run_statement(taken), key=lambda row: row.next_dispatch_at)]


def stamp(preview_id: int) -> None:
    """Note that the preview's message was published, and when it is due again should nobody begin. Commits."""
    run_statement(
        update(PREVIEWS)
        .where(PREVIEWS.c.preview_id == preview_id)
        .values(
            dispatched_at=func.clock_timestamp(),
            dispatch_count=PREVIEWS.c.dispatch_count + 1,
            next_dispatch_at=seconds_from_now(BACK_OFF),
        )
    )


def takeable() -> ColumnElement[bool]:
    """The condition, within a statement, that a company may be taken by who comes first. Changes nothing."""
    left = and_(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_until <= func.clock_timestamp())
    return and_(or_(UNITS.c.state == ListingState.WAITING, left), UNITS.c.attempt < MOST_ATTEMPTS)
