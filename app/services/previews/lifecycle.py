"""The life of a preview: it starts from a snapshot of the settings and ends when each company is listed or failed.

The companies are answered by ``answers`` and ended by ``decisions``; the end of the preview is in ``completion``.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog
from flask import current_app
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import ColumnElement, Row, Select, String, case, delete, func, literal, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.config.settings import Settings
from app.db.clock import seconds_from_now
from app.db.execute import run_statement
from app.errors import AppError, Unauthenticated
from app.extensions import table_of
from app.models import Board, Company, Preview, PreviewCompany, UnitState
from app.services.accounts.users import USER_REMOVED
from app.services.companies.companies import settings_hash
from app.services.previews import moves, outbox
from app.services.previews.errors import NoCompanies, PreviewNotFound, PreviewOutdated
from app.services.previews.removal import prune
from app.services.publisher import FIRST_PUBLISH_SECONDS

log = structlog.get_logger(__name__)

BOARDS = table_of(Board)
COMPANIES = table_of(Company)
PREVIEWS = table_of(Preview)
UNITS = table_of(PreviewCompany)

COMPANY_SECONDS = 2
"""Seconds that each company adds to PREVIEW_SECONDS: more than any source's rate limit requires. A company that is not
listed by then has failed."""

MAX_BEGIN_ATTEMPTS = 100
"""Attempts of one start. It is repeated if the preview that blocked it has ended by now; more in a row is a bug."""

SNAPSHOT = ("company_id", "board_id", "source", "board", "name", "include", "exclude")

LISTING = "listing"
"""The state of a company, as users see it, whose board is being read or whose postings are being decided on."""


def begin_preview(user_id: int, refresh: bool = False) -> tuple[int, bool]:
    """Start a preview and publish its message; return its id and whether it is new. Commits.

    Raises what ``begin`` raises. A fault of the broker raises nothing.
    """
    preview_id, is_new = begin(user_id, refresh)
    if is_new:
        outbox.publish(preview_id)
    return preview_id, is_new


def begin(user_id: int, refresh: bool = False) -> tuple[int, bool]:
    """Start a preview of the user's settings; return its id and whether it is new. Commits. Publishes nothing.

    A listing answers a company if it began at most ``BoardTimes.fresh`` before; with ``refresh``, at most
    ``BoardTimes.refresh``. An unfinished preview of the same settings is returned instead, if it is as fresh as was
    asked for; any other one is removed. Raises NoCompanies if none is enabled, and Unauthenticated if the user was
    removed.
    """
    for _ in range(MAX_BEGIN_ATTEMPTS):
        if preview_id := _insert_unless_under_way(user_id, refresh):
            log.info("preview started", preview_id=preview_id, refresh=refresh)
            prune(user_id)
            return preview_id, True
        found = run_statement(_in_the_way(user_id, refresh))[0]
        if found.same:
            return found.same, False
        if not found.companies:
            raise NoCompanies
    raise RuntimeError(f"user {user_id}: {MAX_BEGIN_ATTEMPTS} starts in a row met a preview that then ended")


def latest(user_id: int) -> int | None:
    """Return the id of the user's latest preview, or None."""
    return run_statement(select(func.max(PREVIEWS.c.preview_id)).where(PREVIEWS.c.user_id == user_id))[0][0]


def get(preview_id: int, user_id: int) -> dict[str, Any]:
    """Return a preview of this user with its companies and totals. Raises PreviewNotFound.

    ``is_current`` is true if the settings are still the same; ``server_time`` is PostgreSQL's. A company whose board is
    being read has the state LISTING.
    """
    current = (PREVIEWS.c.settings_hash == settings_hash(user_id)).label("is_current")
    time = func.clock_now().label("server_time")
    of_preview = [PREVIEWS.c[name] for name in ("preview_id", "settings_hash", "created_at", "finished_at")]
    of_units = [UNITS.c[name] for name in UNITS.c.keys() if name not in ("preview_id", "state")]
    rows = run_statement(
        select(*of_preview, current, time, *of_units, _shown_state())
        .join(UNITS, UNITS.c.preview_id == PREVIEWS.c.preview_id)
        .outerjoin(BOARDS, BOARDS.c.board_id == UNITS.c.board_id)
        .where(*_is(preview_id, user_id))
        .order_by(UNITS.c.position)
    )
    if not rows:
        raise PreviewNotFound(preview_id)
    whole = {column.name: getattr(rows[0], column.name) for column in [*of_preview, current, time]}
    return {**whole, "is_finished": rows[0].finished_at is not None, "totals": _totals(rows), "companies": rows}


def refusal(preview_id: int, user_id: int) -> AppError | None:
    """Return the error that explains why no run can start from this preview, or None if one can.

    It is a PreviewNotFound or a PreviewOutdated.
    """
    outdated = (PREVIEWS.c.settings_hash != settings_hash(user_id)).label("is_outdated")
    rows = run_statement(select(outdated).where(*_is(preview_id, user_id)))
    if not rows:
        return PreviewNotFound(preview_id)
    return PreviewOutdated(preview_id) if rows[0].is_outdated else None


def startable(preview_id: ColumnElement[int], user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Build the SQL condition that a run of this user may start from this preview.

    The preview must be theirs, and made from the current settings. It may be unfinished: the run waits for the boards
    that are left.
    """
    current = PREVIEWS.c.settings_hash == settings_hash(user_id)
    return select(PREVIEWS.c.preview_id).where(*_is(preview_id, user_id), current).exists()


def _insert_unless_under_way(user_id: int, refresh: bool) -> int | None:
    """Insert a preview and its companies; return None if an unfinished one serves as well or no company is enabled.

    Another unfinished one is removed first. NOT EXISTS and ON CONFLICT work as in ``runs.start``.
    """
    unfinished, serves = _unfinished(user_id), _serves(user_id, refresh)
    removed = (
        delete(PREVIEWS)
        .where(unfinished, ~serves, _enabled(user_id).exists())
        .returning(PREVIEWS.c.preview_id)
        .cte("removed")
    )
    # Reading the removed rows makes sure that they are removed before the unique index is checked.
    removed_count = select(func.count()).select_from(removed).scalar_subquery()
    under_way = select(PREVIEWS.c.preview_id).where(unfinished, serves).exists()
    company_count = select(func.count()).select_from(_enabled(user_id).subquery()).scalar_subquery()
    settings: Settings = current_app.config["SETTINGS"]
    deadline = seconds_from_now(settings.preview_seconds + COMPANY_SECONDS * company_count)
    next_dispatch_at = seconds_from_now(FIRST_PUBLISH_SECONDS)
    row = select(literal(user_id), settings_hash(user_id), literal(refresh), deadline, next_dispatch_at)
    row = row.where(removed_count >= 0, _enabled(user_id).exists(), ~under_way)
    names = ["user_id", "settings_hash", "is_refresh", "deadline_at", "next_dispatch_at"]
    new = insert(PREVIEWS).from_select(names, row).on_conflict_do_nothing().returning(PREVIEWS.c.preview_id).cte("new")
    order = func.row_number().over(order_by=[func.lower(COMPANIES.c.name), COMPANIES.c.company_id])
    times = settings.board_times
    fresh_after = select(seconds_from_now(-(times.refresh if refresh else times.fresh))).scalar_subquery()
    chosen = new.join(COMPANIES, (COMPANIES.c.user_id == user_id) & COMPANIES.c.enabled)
    units = select(new.c.preview_id, order, fresh_after, *[COMPANIES.c[name] for name in SNAPSHOT]).select_from(chosen)
    statement = insert(UNITS).from_select(["preview_id", "position", "fresh_after", *SNAPSHOT], units)
    try:
        rows = run_statement(statement.returning(UNITS.c.preview_id))
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(USER_REMOVED) from error
    return rows[0].preview_id if rows else None


def _in_the_way(user_id: int, refresh: bool) -> Select[Any]:
    """Select the reasons why none started: the unfinished preview that serves as well, and the number of companies."""
    same = select(PREVIEWS.c.preview_id).where(_unfinished(user_id), _serves(user_id, refresh))
    companies = select(func.count()).select_from(_enabled(user_id).subquery())
    return select(same.scalar_subquery().label("same"), companies.scalar_subquery().label("companies"))


def _unfinished(user_id: int) -> ColumnElement[bool]:
    return (PREVIEWS.c.user_id == user_id) & PREVIEWS.c.finished_at.is_(None)


def _serves(user_id: int, refresh: bool) -> ColumnElement[bool]:
    """Build the condition that a preview of this user has the current settings, and is as fresh as is asked for."""
    same = PREVIEWS.c.settings_hash == settings_hash(user_id)
    return same & PREVIEWS.c.is_refresh if refresh else same


def _shown_state() -> ColumnElement[str]:
    """Build the SQL of a company's state as users see it: a short name for what goes on with its board."""
    state = type_coerce(UNITS.c.state, String)
    is_read = or_(
        state == UnitState.READ.value,
        (state == UnitState.WAITING.value) & (BOARDS.c.lease_until > moves.NOW),
    )
    return case((is_read, LISTING), else_=state).label("state")


def _enabled(user_id: int) -> Select[Any]:
    return select(COMPANIES.c.company_id).where(COMPANIES.c.user_id == user_id, COMPANIES.c.enabled)


def _is(preview_id: int | ColumnElement[int], user_id: int | ColumnElement[int]) -> list[ColumnElement[bool]]:
    return [PREVIEWS.c.preview_id == preview_id, PREVIEWS.c.user_id == user_id]


def _totals(units: Sequence[Row[Any]]) -> dict[str, int]:
    states = Counter(unit.state for unit in units)
    ended = states[UnitState.LISTED.value] + states[UnitState.FAILED.value]
    return {
        "companies": len(units),
        "listed": states[UnitState.LISTED.value],
        "failed": states[UnitState.FAILED.value],
        "waiting": len(units) - ended,
        "found": sum(unit.found or 0 for unit in units),
        "matched": sum(unit.matched or 0 for unit in units),
    }
