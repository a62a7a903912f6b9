"""Who lists which company of a preview: taken for a while, renewed while it is worked on, given back or put off."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, Update, and_, func, or_, select, update

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import ListingState, Preview, PreviewCompany

PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

LEASE_SECONDS = 30
"""How long a company belongs to who took it and says nothing more. What a dead worker held is free again after it."""

RENEW_SECONDS = 10
"""How often who is at work says so."""

SNOOZE_SECONDS = 10
"""For how long a company is put off whose system is asked as often as it may be already."""

MAX_ATTEMPTS = 3
"""How often a company is taken. One that takes its workers with it is not tried for ever."""

MAX_CONCURRENT = 16
"""Companies of one preview that are listed at a time, however many workers hear of it. A fence: takers at the very same
moment may go a little past it."""

CLAIM_COLUMNS = ("preview_id", "position", "source", "board", "name", "include", "exclude", "attempt", "lease_id")


def claim_company(preview_id: int) -> Row[Any] | None:
    """Take the next company of an unfinished preview and return it (``TAKEN``), or None if none is to be had. Commits.

    It is the caller's for LEASE_SECONDS, or until he renews it no more; then somebody else may take it. SKIP LOCKED:
    those who take at the same moment get different ones. What was tried already comes last, should it be what kills
    the workers.
    """
    others = UNITS.alias("others")
    at_work = select(func.count()).where(others.c.preview_id == preview_id, _leased(others)).scalar_subquery()
    chosen = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .join(PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(UNITS.c.preview_id == preview_id, *_is_under_way(), claimable(), at_work < MAX_CONCURRENT)
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
    """Return how many companies of a preview could be taken now: none if its time is over. Changes nothing."""
    found = run_statement(
        select(func.count().filter(claimable()).label("free"), func.count().filter(_leased(UNITS)).label("held"))
        .join_from(UNITS, PREVIEWS, PREVIEWS.c.preview_id == UNITS.c.preview_id)
        .where(UNITS.c.preview_id == preview_id, *_is_under_way())
    )[0]
    return max(0, min(found.free, MAX_CONCURRENT - found.held))


def renew(units: Iterable[Row[Any]]) -> None:
    """Keep these companies for LEASE_SECONDS from now, those that are still who took them's. Commits.

    SKIP LOCKED passes over one that is being stored at this moment: nobody else takes it, and then it is done.
    """
    run_statement(_owned_by(units).values(lease_until=seconds_from_now(LEASE_SECONDS)))


def release(units: Iterable[Row[Any]]) -> int:
    """Let others have these companies at once, as if they had not been taken; returns how many. Commits.

    Passes over what is being stored at this moment, as ``renew`` does.
    """
    returned = _owned_by(units).values(
        state=ListingState.WAITING, lease_until=None, lease_id=None, attempt=UNITS.c.attempt - 1
    )
    return len(run_statement(returned.returning(UNITS.c.position)))


def snooze(unit: Row[Any], *, counted: bool) -> bool:
    """Let nobody have this company for PAUSE_SECONDS, then anybody; returns whether it was the caller's. Commits.

    Without ``counted`` it is as if it had not been taken. The preview's message is due when the pause is over.
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
    """The condition, within a statement, that a company may be taken by who comes first. Changes nothing."""
    now = func.clock_timestamp()
    waiting = and_(
        UNITS.c.state == ListingState.WAITING, or_(UNITS.c.not_before.is_(None), UNITS.c.not_before <= now)
    )
    left = and_(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_until <= now)
    return and_(or_(waiting, left), UNITS.c.attempt < MAX_ATTEMPTS)


def _leased(units: Any) -> ColumnElement[bool]:
    return and_(units.c.state == ListingState.LISTING, units.c.lease_until > func.clock_timestamp())


def _is_under_way() -> list[ColumnElement[bool]]:
    return [PREVIEWS.c.finished_at.is_(None), PREVIEWS.c.deadline_at > func.clock_timestamp()]


def _owned_by(units: Iterable[Row[Any]]) -> Update:
    """An UPDATE of these companies, as far as they still belong to who took them and nobody is storing them."""
    mine = (
        select(UNITS.c.preview_id, UNITS.c.position)
        .where(UNITS.c.state == ListingState.LISTING, UNITS.c.lease_id.in_([unit.lease_id for unit in units]))
        .where(UNITS.c.preview_id.in_({unit.preview_id for unit in units}))
        .with_for_update(skip_locked=True)
        .cte("mine")
    )
    return update(UNITS).where(UNITS.c.preview_id == mine.c.preview_id, UNITS.c.position == mine.c.position)
