"""The leases of a preview's companies: claim, renew, release and snooze."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, Update, and_, func, or_, select, update

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import ListingState, Preview, PreviewCompany

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

LEASE_SECONDS = 30
"""Lifetime of a lease without renewal. After it, another worker may claim a dead worker's company."""

RENEW_SECONDS = 10
"""Interval in which a worker renews its leases."""

SNOOZE_SECONDS = 10
"""Pause of a company whose source is at its rate limit already."""

MAX_ATTEMPTS = 3
"""Claims of a company. A board that crashes its workers is not tried for ever."""

MAX_CONCURRENT = 16
"""Companies of one preview that are listed at a time, by all workers together. Simultaneous claims may exceed it
slightly."""

CLAIM_COLUMNS = ("preview_id", "position", "source", "board", "name", "include", "exclude", "attempt", "lease_id")


class LeaseLost(Exception):
    """The caller no longer holds the company: its lease was claimed by another worker, or its preview has ended."""


def claim_company(preview_id: int) -> Row[Any] | None:
    """Claim the next company of an unfinished preview and return its CLAIM_COLUMNS, or None. Commits.

    The lease lasts LEASE_SECONDS; unless it is renewed, another worker may then claim the company. SKIP LOCKED gives
    simultaneous claims different companies. Companies that were tried before come last, in case they crash workers.
    """
    others = UNITS.alias("others")
    leased = select(func.count()).where(others.c.preview_id == preview_id, _leased(others)).scalar_subquery()
    chosen = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(UNITS.c.preview_id == preview_id, *_is_under_way(), claimable(), leased < MAX_CONCURRENT)
        .order_by(UNITS.c.attempt, UNITS.c.position)
        .limit(1)
        .with_for_update(of=UNITS, skip_locked=True)
        .cte("chosen")
    )
    rows = run_statement(
        update(UNITS)
        .where(UNITS.c.preview_id == chosen.c.preview_id, UNITS.c.position == chosen.c.position)
        .values(
            state=ListingState.LISTING,
            lease_until=seconds_from_now(LEASE_SECONDS),
            lease_id=func.gen_random_uuid(),
            not_before=None,
            attempt=UNITS.c.attempt + 1,
        )
        .returning(*[UNITS.c[name] for name in CLAIM_COLUMNS])
    )
    return rows[0] if rows else None


def count_claimable(preview_id: int) -> int:
    """Return the number of companies of a preview that can be claimed now; 0 after its deadline."""
    found = run_statement(
        select(func.count().filter(claimable()).label("free"), func.count().filter(_leased(UNITS)).label("leased"))
        .join_from(UNITS, PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(UNITS.c.preview_id == preview_id, *_is_under_way())
    )[0]
    return max(0, min(found.free, MAX_CONCURRENT - found.leased))


def renew(units: Iterable[Row[Any]]) -> bool:
    """Extend the caller's leases to LEASE_SECONDS from now. Commits. Returns true if PostgreSQL has answered.

    Lost leases are left alone. SKIP LOCKED leaves out a company that is being stored: no other worker can claim it.
    """
    run_statement(_owned_by(units).values(lease_until=seconds_from_now(LEASE_SECONDS)))
    return True


def keep(unit: Row[Any]) -> CTE:
    """Build the UPDATE that guards a write for this company: it has a row only while the caller holds the lease.

    Commits with the statement around it. It extends the lease, because ``renew`` leaves out a company that is being
    stored.
    """
    return (
        update(UNITS)
        .where(UNITS.c.preview_id == unit.preview_id, UNITS.c.position == unit.position)
        .where(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_id == unit.lease_id)
        .values(lease_until=seconds_from_now(LEASE_SECONDS))
        .returning(UNITS.c.preview_id, UNITS.c.position)
        .cte("held")
    )


def release(units: Iterable[Row[Any]]) -> int:
    """Release the leases that the caller still holds, and count no attempt. Commits. Returns their number.

    Skips companies that are being stored at this moment, as ``renew`` does.
    """
    returned = _owned_by(units).values(
        state=ListingState.WAITING, lease_until=None, lease_id=None, attempt=UNITS.c.attempt - 1
    )
    return len(run_statement(returned.returning(UNITS.c.position)))


def snooze(unit: Row[Any], *, counted: bool) -> bool:
    """Release this company and hide it for SNOOZE_SECONDS. Commits. Returns whether the caller held its lease.

    With ``counted``, the attempt counts. The preview's message is due when the pause is over.
    """
    waiting = (
        _owned_by([unit])
        .values(
            state=ListingState.WAITING,
            lease_until=None,
            lease_id=None,
            not_before=seconds_from_now(SNOOZE_SECONDS),
            attempt=UNITS.c.attempt - (0 if counted else 1),
        )
        .returning(UNITS.c.preview_id, UNITS.c.not_before)
        .cte("waiting")
    )
    due = (
        update(PREVIEWS)
        .where(PREVIEWS.c.preview_id == waiting.c.preview_id)
        .values(next_dispatch_at=func.least(PREVIEWS.c.next_dispatch_at, waiting.c.not_before))
    )
    return bool(run_statement(select(waiting.c.preview_id).add_cte(due.cte("due"))))


def claimable() -> ColumnElement[bool]:
    """Build the SQL condition that a company can be claimed."""
    now = func.clock_timestamp()
    waiting = and_(
        UNITS.c.state == ListingState.WAITING, or_(UNITS.c.not_before.is_(None), UNITS.c.not_before <= now)
    )
    expired = and_(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_until <= now)
    return and_(or_(waiting, expired), UNITS.c.attempt < MAX_ATTEMPTS)


def _leased(units: Any) -> ColumnElement[bool]:
    return and_(units.c.state == ListingState.LISTING, units.c.lease_until > func.clock_timestamp())


def _is_under_way() -> list[ColumnElement[bool]]:
    return [PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.deadline_at > func.clock_timestamp()]


def _owned_by(units: Iterable[Row[Any]]) -> Update:
    """Build the UPDATE of the companies whose leases the caller still holds, without those that are being stored."""
    mine = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .where(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_id.in_([unit.lease_id for unit in units]))
        .where(UNITS.c.preview_id.in_({unit.preview_id for unit in units}))
        .with_for_update(skip_locked=True)
        .cte("mine")
    )
    return update(UNITS).where(UNITS.c.preview_id == mine.c.preview_id, UNITS.c.position == mine.c.position)
