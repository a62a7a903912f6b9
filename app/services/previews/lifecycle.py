"""The life of a preview: begun from a snapshot of the settings, finished when each company is listed or failed.

The work on one company is in ``preview_listings``, the end in ``preview_ends``, the postings in ``preview_postings``.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import ColumnElement, Row, Select, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.db.execute import run_statement, seconds_from_now
from app.errors import AppError, Unauthenticated
from app.extensions import table_of
from app.models import Company, ListingState, Preview, PreviewCompany
from app.services.accounts.users import USER_REMOVED
from app.services.companies.companies import settings_hash
from app.services.previews import outbox
from app.services.previews.completion import prune
from app.services.previews.errors import NoCompanies, PreviewNotFound, PreviewOutdated, PreviewUnfinished

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

PREVIEW_SECONDS = 900
COMPANY_SECONDS = 2
"""How long a preview may take as a whole, and what each company adds to that: more than any system's pace. What is not
listed by then has failed."""

FIRST_PUBLISH_SECONDS = 5
"""Seconds that whoever begins a preview has for publishing it himself, before the reconciler does."""

MAX_BEGIN_ATTEMPTS = 100
"""How often a beginning is tried again because the preview in its way ended meanwhile."""

SNAPSHOT = ("company_id", "source", "board", "name", "include", "exclude")


def begin_preview(user_id: int) -> tuple[int, bool]:
    """Begin a preview and publish its message; return its id and whether it is new. Commits.

    Raises what ``begin`` raises, and nothing because of the broker.
    """
    preview_id, is_new = begin(user_id)
    if is_new:
        outbox.publish(preview_id)
    return preview_id, is_new


def begin(user_id: int) -> tuple[int, bool]:
    """Begin a preview of the user's settings and return its id and whether it is new. Commits; publishing comes after.

    One with the same settings that is under way is returned in its place, one with other settings is removed.
    Raises NoCompanies if none is enabled; Unauthenticated if the user is gone.
    """
    for _ in range(MAX_BEGIN_ATTEMPTS):
        if preview_id := _insert_unless_under_way(user_id):
            log.info("preview begun", preview_id=preview_id)
            prune(user_id)
            return preview_id, True
        found = run_statement(_in_the_way(user_id))[0]
        if found.same:
            return found.same, False
        if not found.companies:
            raise NoCompanies
    raise RuntimeError(f"user {user_id}: {MAX_BEGIN_ATTEMPTS} attempts met a preview that ended at that moment")


def latest(user_id: int) -> int | None:
    """Return the id of the user's latest preview, or None. Changes nothing."""
    return run_statement(select(func.max(PREVIEWS.c.preview_id)).where(PREVIEWS.c.user_id == user_id))[0][0]


def get(preview_id: int, user_id: int) -> dict[str, Any]:
    """Return a preview of this user with its companies and totals. Changes nothing. Raises PreviewNotFound.

    ``is_current`` says whether the settings are still the same, ``server_time`` is the database's clock.
    """
    current = (PREVIEWS.c.settings_hash == settings_hash(user_id)).label("is_current")
    time = func.clock_timestamp().label("server_time")
    of_preview = [PREVIEWS.c[name] for name in ("preview_id", "settings_hash", "created_at", "finished_at")]
    of_units = [UNITS.c[name] for name in UNITS.c.keys() if name != "preview_id"]
    rows = run_statement(
        select(*of_preview, current, time, *of_units)
        .join(UNITS, UNITS.c.preview_id == PREVIEWS.c.preview_id)
        .where(*_is(preview_id, user_id))
        .order_by(UNITS.c.position)
    )
    if not rows:
        raise PreviewNotFound(preview_id)
    whole = {column.name: getattr(rows[0], column.name) for column in [*of_preview, current, time]}
    return {**whole, "is_finished": rows[0].finished_at is not None, "totals": _totals(rows), "companies": rows}


def refusal(preview_id: int, user_id: int) -> AppError | None:
    """Return why no run starts from this preview, if it is for the preview; else None. Changes nothing.

    It is a PreviewNotFound, PreviewOutdated or PreviewUnfinished.
    """
    unfinished = PREVIEWS.c.finished_at.is_(None).label("is_unfinished")
    outdated = (PREVIEWS.c.settings_hash != settings_hash(user_id)).label("is_outdated")
    rows = run_statement(select(unfinished, outdated).where(*_is(preview_id, user_id)))
    if not rows:
        return PreviewNotFound(preview_id)
    if rows[0].is_outdated:
        return PreviewOutdated(preview_id)
    return PreviewUnfinished(preview_id) if rows[0].is_unfinished else None


def startable(preview_id: ColumnElement[int], user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition, as SQL within a statement, that a run of this user may start from this preview. Changes nothing.

    It is his, finished, and made from the settings as they are.
    """
    current = PREVIEWS.c.settings_hash == settings_hash(user_id)
    finished = PREVIEWS.c.finished_at.is_not(None)
    return select(PREVIEWS.c.preview_id).where(*_is(preview_id, user_id), finished, current).exists()


def _insert_unless_under_way(user_id: int) -> int | None:
    """Insert a preview and its companies; None if one with these settings is under way, or there are no companies.

    One with other settings is removed first. NOT EXISTS and ON CONFLICT do here what they do where a run is started.
    """
    mine, unfinished = PREVIEWS.c.user_id == user_id, PREVIEWS.c.finished_at.is_(None)
    same = PREVIEWS.c.settings_hash == settings_hash(user_id)
    gone = (
        delete(PREVIEWS)
        .where(mine, unfinished, ~same, _enabled(user_id).exists())
        .returning(PREVIEWS.c.preview_id)
        .cte("gone")
    )
    # Reading from what is gone makes sure that it is before the unique index is asked.
    removed = select(func.count()).select_from(gone).scalar_subquery()
    under_way = select(PREVIEWS.c.preview_id).where(mine, unfinished, same).exists()
    how_many = select(func.count()).select_from(_enabled(user_id).subquery()).scalar_subquery()
    deadline = seconds_from_now(PREVIEW_SECONDS + COMPANY_SECONDS * how_many)
    grace = seconds_from_now(FIRST_PUBLISH_SECONDS)
    row = select(literal(user_id), settings_hash(user_id), deadline, grace)
    row = row.where(removed >= 0, _enabled(user_id).exists(), ~under_way)
    names = ["user_id", "settings_hash", "deadline_at", "next_dispatch_at"]
    new = insert(PREVIEWS).from_select(names, row).on_conflict_do_nothing().returning(PREVIEWS.c.preview_id).cte("new")
    order = func.row_number().over(order_by=[func.lower(COMPANIES.c.name), COMPANIES.c.company_id])
    chosen = new.join(COMPANIES, (COMPANIES.c.user_id == user_id) & COMPANIES.c.enabled)
    units = select(new.c.preview_id, order, *[COMPANIES.c[name] for name in SNAPSHOT]).select_from(chosen)
    statement = insert(UNITS).from_select(["preview_id", "position", *SNAPSHOT], units)
    try:
        rows = run_statement(statement.returning(UNITS.c.preview_id))
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(USER_REMOVED) from error
    return rows[0].preview_id if rows else None


def _in_the_way(user_id: int) -> Select[Any]:
    """Why nothing was begun: the preview with the same settings that is under way, and how many companies there are."""
    mine = [PREVIEWS.c.user_id == user_id, PREVIEWS.c.finished_at.is_(None)]
    same = select(PREVIEWS.c.preview_id).where(*mine, PREVIEWS.c.settings_hash == settings_hash(user_id))
    companies = select(func.count()).select_from(_enabled(user_id).subquery())
    return select(same.scalar_subquery().label("same"), companies.scalar_subquery().label("companies"))


def _enabled(user_id: int) -> Select[Any]:
    return select(COMPANIES.c.company_id).where(COMPANIES.c.user_id == user_id, COMPANIES.c.enabled)


def _is(preview_id: int | ColumnElement[int], user_id: int | ColumnElement[int]) -> list[ColumnElement[bool]]:
    return [PREVIEWS.c.preview_id == preview_id, PREVIEWS.c.user_id == user_id]


def _totals(units: Sequence[Row[Any]]) -> dict[str, int]:
    states = Counter(unit.state for unit in units)
    return {
        "companies": len(units),
        "listed": states[ListingState.LISTED],
        "failed": states[ListingState.FAILED],
        "waiting": states[ListingState.WAITING] + states[ListingState.LISTING],
        "found": sum(unit.found or 0 for unit in units),
        "taken": sum(unit.taken or 0 for unit in units),
    }
