"""The removal of users: a user goes at once, and their rows follow in batches.

An interrupted removal goes on at the next pass: whatever is left is derived from ``users.removed_at``. Each statement
locks the user. So two removers work on different users, and one never takes the other's locked rows for removed ones.
"""

import math
import time

import structlog
from sqlalchemy import BigInteger, Column, ColumnElement, Select, Table, any_, bindparam, delete, exists, func, select

from app.db.execute import run_statement
from app.errors import DatabaseUnavailable
from app.extensions import table_of
from app.models import Company, IngestionRun, Job, Preview, User
from app.services.accounts import users
from app.services.runs import queries, transitions
from app.services.runs.audit_context import Actor
from app.services.runs.errors import RunMoved, RunNotFound

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
JOBS = table_of(Job)
PREVIEWS = table_of(Preview)
RUNS = table_of(IngestionRun)
USERS = table_of(User)

MAX_REMOVED_ROWS = 1000
"""The most jobs or companies that one statement removes, so that it locks and logs little at a time."""

MAX_REMOVED_PARENTS = 5
"""The most runs or previews that one statement removes: up to 1,000 companies go with each."""

PAUSE_SECONDS = 0.1
"""Seconds between two attempts of ``finish`` while another remover works on the same user."""

REMOVED_USERS = (
    select(USERS.c.user_id).where(USERS.c.removed_at.is_not(None)).order_by(USERS.c.removed_at, USERS.c.user_id)
)
OWNER = bindparam("owner", type_=BigInteger)
LOCKED = (
    select(USERS.c.user_id)
    .where(USERS.c.user_id == OWNER, USERS.c.removed_at.is_not(None))
    .with_for_update(key_share=True, skip_locked=True)
    .cte("locked")
)
"""The removed user; no row if another remover holds it."""


def _batch(table: Table, key: Column[int], size: int) -> Select[tuple[int]]:
    """Build the removal of some of the user's rows. It returns their number; no row if another remover is at work."""
    is_theirs = table.c.user_id == select(LOCKED.c.user_id).scalar_subquery()
    batch = select(key).where(is_theirs).order_by(key).limit(size).scalar_subquery()
    # As an array, because PostgreSQL may read the whole table for IN.
    gone = delete(table).where(key == any_(func.array(batch))).returning(key).cte("gone")
    return select(select(func.count()).select_from(gone).scalar_subquery().label("removed")).select_from(LOCKED)


def _has_none(*tables: Table) -> list[ColumnElement[bool]]:
    return [~exists().where(table.c.user_id == USERS.c.user_id) for table in tables]


# The events of jobs, and the companies of previews and runs, go by cascade. Jobs go before runs, or each would be
# updated first.
BATCHES = (
    _batch(JOBS, JOBS.c.id, MAX_REMOVED_ROWS),
    _batch(PREVIEWS, PREVIEWS.c.preview_id, MAX_REMOVED_PARENTS),
    _batch(RUNS, RUNS.c.id, MAX_REMOVED_PARENTS),
    _batch(COMPANIES, COMPANIES.c.company_id, MAX_REMOVED_ROWS),
)

# A request that was under way at the removal may have inserted a row since. The next pass finds it.
REMOVE_USER = (
    delete(USERS)
    .where(USERS.c.user_id == OWNER, USERS.c.removed_at.is_not(None), *_has_none(JOBS, PREVIEWS, RUNS, COMPANIES))
    .returning(USERS.c.user_id)
)
IS_LEFT = select(USERS.c.user_id).where(USERS.c.user_id == OWNER, USERS.c.removed_at.is_not(None))


def mark_removed(user_id: int, old_hash: str | None = None, actor: Actor = Actor.USER) -> bool:
    """Remove a user for everybody, and abort their active run. Return whether this call removed the user. Commits.

    ``remove_batches`` removes the rows. With ``old_hash``, remove the user only if their password is still the one with
    this hash. If PostgreSQL fails after the first commit, the abort is left to ``remove_batches``, too.
    """
    if not users.mark_removed(user_id, old_hash):
        return False
    try:
        _abort_active(user_id, actor)
    except DatabaseUnavailable as error:
        log.warning("run of a removed user not aborted yet", user_id=user_id, reason=error.reason)
    return True


def remove_batches(seconds: float) -> int:
    """Remove rows of removed users, and return the number of users that are gone. Commits after each batch.

    Start no further batch after this many seconds. Callers never wait for each other.
    """
    until, gone = time.monotonic() + seconds, 0
    for user in run_statement(REMOVED_USERS):
        gone += _remove(user.user_id, until)
    return gone


def finish(user_id: int) -> None:
    """Remove all rows of a removed user, however long it takes. Commits after each batch."""
    while not _remove(user_id, math.inf) and run_statement(IS_LEFT, owner=user_id):
        time.sleep(PAUSE_SECONDS)


def _remove(user_id: int, until: float) -> bool:
    """Remove rows of this user until the monotonic time ``until``. Return whether the user is gone. Commits."""
    if time.monotonic() >= until:
        return False
    _abort_active(user_id, Actor.RESCUE)
    for batch in BATCHES:
        while rows := run_statement(batch, owner=user_id):
            if not rows[0].removed:
                break
            if time.monotonic() >= until:
                return False
        else:
            return False  # another remover is at work
    is_gone = bool(run_statement(REMOVE_USER, owner=user_id))
    if is_gone:
        log.info("rows of a removed user removed", user_id=user_id)
    return is_gone


def _abort_active(user_id: int, actor: Actor) -> None:
    if run_id := queries.current(user_id):
        try:
            transitions.abort(run_id, actor=actor)
        except (RunMoved, RunNotFound):
            log.info("run of a removed user had ended", user_id=user_id, run_id=run_id)
