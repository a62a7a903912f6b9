"""Who owns runs: the local user, and the people who sign in."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import EmailTaken, UserNotFound
from app.extensions import table_of
from app.models import Credential, User
from app.services.database import run_statement
from app.services.passwords import hash_password

log = structlog.get_logger(__name__)

USERS = table_of(User)
CREDENTIALS = table_of(Credential)

LOCAL_EMAIL = "local@localhost"
"""The one user of AUTH=local; no mail can reach this address."""


def local_user_id() -> int:
    """Return the id of the one local user, who is made when first asked for. Commits then."""
    wanted = select(USERS.c.user_id).where(USERS.c.email == LOCAL_EMAIL)
    if not (rows := run_statement(wanted)):
        run_statement(insert(USERS).values(email=LOCAL_EMAIL, name="You").on_conflict_do_nothing())
        rows = run_statement(wanted)
    return rows[0].user_id


def add(email: str, password: str) -> int:
    """Add somebody who may sign in and return his id. Commits. Raises EmailTaken."""
    row = {"email": email.strip().lower(), "password_hash": hash_password(password)}
    added = run_statement(insert(USERS).values(row).on_conflict_do_nothing().returning(USERS.c.user_id))
    if not added:
        raise EmailTaken(f"There is a user {email} already.")
    return added[0].user_id


def by_email(email: str) -> Row[Any] | None:
    """Return the user with this address, whatever its case, or None. Changes nothing."""
    rows = run_statement(select(USERS).where(func.lower(USERS.c.email) == email.strip().lower()))
    return rows[0] if rows else None


def by_id(user_id: int) -> Row[Any]:
    """Return this user. Changes nothing. Raises UserNotFound."""
    rows = run_statement(select(USERS).where(USERS.c.user_id == user_id))
    if not rows:
        raise UserNotFound("There is no such user.")
    return rows[0]


def named(email: str) -> Row[Any]:
    """Return the user with this address, for operators. Changes nothing. Raises UserNotFound."""
    if (user := by_email(email)) is None:
        raise UserNotFound(f"There is no user {email}.")
    return user


def everybody() -> Sequence[Row[Any]]:
    """Return all users by address, each with the number of his credentials. Changes nothing."""
    held = select(func.count()).where(CREDENTIALS.c.user_id == USERS.c.user_id).scalar_subquery()
    return run_statement(select(USERS, held.label("credentials")).order_by(USERS.c.email))


def set_password(user_id: int, password: str, old_hash: str | None = None, keep: int | None = None) -> bool:
    """Give a user a new password, and end every session and token of his but the one to ``keep``. Commits.

    Both in one statement, so that none survives a password that is no longer his. With ``old_hash`` only if the
    password is still that one; returns whether it was.
    """
    changed = update(USERS).where(USERS.c.user_id == user_id).values(password_hash=hash_password(password))
    if old_hash is not None:
        changed = changed.where(USERS.c.password_hash == old_hash)
    done = changed.returning(USERS.c.user_id).cte("done")
    ended = delete(CREDENTIALS).where(CREDENTIALS.c.user_id.in_(select(done.c.user_id)))
    if keep is not None:
        ended = ended.where(CREDENTIALS.c.credential_id != keep)
    was = bool(run_statement(select(done.c.user_id).add_cte(ended.cte("ended"))))
    log.info("password changed" if was else "password not changed", user_id=user_id)
    return was


def remove(user_id: int) -> None:
    """Remove a user with his runs, jobs, sessions and tokens, which all end at once. Commits."""
    run_statement(delete(USERS).where(USERS.c.user_id == user_id))
