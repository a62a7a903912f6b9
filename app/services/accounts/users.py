"""The users: the local user, and the people who sign in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.clock import NOW
from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import Credential, User
from app.services.accounts.errors import EmailTaken, UserNotFound
from app.services.accounts.passwords import hash_password

log = structlog.get_logger(__name__)

USERS = table_of(User)
CREDENTIALS = table_of(Credential)

USER_REMOVED = "This user no longer exists."

LOCAL_EMAIL = "local@localhost"
"""The one user of AUTH=local; no mail can reach this address."""

IS_PRESENT = USERS.c.removed_at.is_(None)
"""The condition of a user who was not removed. Nobody finds another one, although their rows may still be there."""

LOCAL_USER = select(USERS.c.user_id).where(USERS.c.email == bindparam("email"), IS_PRESENT)
ACCOUNT = select(USERS.c.user_id, USERS.c.email, USERS.c.name, USERS.c.password_hash).where(IS_PRESENT)


@dataclass(frozen=True)
class Account:
    """A user with the hash of their password."""

    user_id: int
    email: str
    name: str | None
    password_hash: str | None
    """None if this user cannot sign in."""


def local_user_id() -> int:
    """Return the id of the local user, and create that user at the first call. Commits."""
    if not (rows := run_statement(LOCAL_USER, email=LOCAL_EMAIL)):
        run_statement(insert(USERS).values(email=LOCAL_EMAIL, name="You").on_conflict_do_nothing())
        rows = run_statement(LOCAL_USER, email=LOCAL_EMAIL)
    return rows[0].user_id


def normalize_email(email: str) -> str:
    """Return the form of an address by which users are stored, found, and limited in their attempts."""
    return email.strip().lower()


def add(email: str, password: str) -> int:
    """Add a user who can sign in, and return the id. Commits. Raises EmailTaken."""
    row = {"email": normalize_email(email), "password_hash": hash_password(password)}
    added = run_statement(insert(USERS).values(row).on_conflict_do_nothing().returning(USERS.c.user_id))
    if not added:
        raise EmailTaken(f"There is already a user {email}.")
    return added[0].user_id


def find_by_email(email: str) -> Account | None:
    """Return the user with this address, in any case, or None."""
    rows = run_statement(ACCOUNT.where(func.lower(USERS.c.email) == normalize_email(email)))
    return _account(rows[0]) if rows else None


def find_by_id(user_id: int) -> Account:
    """Return the user who makes a request. Raises Unauthenticated if that user was removed."""
    rows = run_statement(ACCOUNT.where(USERS.c.user_id == user_id))
    if not rows:
        raise Unauthenticated(USER_REMOVED)
    return _account(rows[0])


def get_by_email(email: str) -> Account:
    """Return the user with this address, for operators. Raises UserNotFound."""
    if (user := find_by_email(email)) is None:
        raise UserNotFound(f"There is no user {email}.")
    return user


def list_users() -> Sequence[Row[Any]]:
    """Return all users in the order of their addresses, each with the number of their credentials."""
    count = select(func.count()).where(CREDENTIALS.c.user_id == USERS.c.user_id).scalar_subquery()
    return run_statement(select(USERS, count.label("credentials")).where(IS_PRESENT).order_by(USERS.c.email))


def set_password(user_id: int, password: str, old_hash: str | None = None, keep: int | None = None) -> bool:
    """Set a user's password, and end all their sessions and tokens except the credential ``keep``. Commits.

    With ``old_hash``, the password is set only if the stored hash still equals it. Returns whether the password was
    set.

    The user's ``epoch`` grows too. A credential issued at the same moment, by the old password or an ended session, has
    the old epoch. It is invalid, whichever statement commits first.
    """
    values = {"password_hash": hash_password(password), "epoch": USERS.c.epoch + 1}
    changed = update(USERS).where(USERS.c.user_id == user_id, IS_PRESENT).values(values)
    if old_hash is not None:
        changed = changed.where(USERS.c.password_hash == old_hash)
    user = changed.returning(USERS.c.user_id, USERS.c.epoch).cte("changed")
    of_user = CREDENTIALS.c.user_id == user.c.user_id
    kept = update(CREDENTIALS).where(of_user, CREDENTIALS.c.credential_id == keep).values(epoch=user.c.epoch)
    ended = delete(CREDENTIALS).where(of_user, CREDENTIALS.c.credential_id.is_distinct_from(keep))
    is_set = bool(run_statement(select(user.c.user_id).add_cte(kept.cte("kept"), ended.cte("ended"))))
    log.info("password changed" if is_set else "password not changed", user_id=user_id)
    return is_set


def mark_removed(user_id: int, old_hash: str | None = None) -> bool:
    """Hide a user from everybody, and end their sessions and tokens. Their rows are removed later. Commits.

    Their address is free at once. Their rows stay; ``removal`` removes them. With ``old_hash``, remove the user only if
    the stored hash of the password still equals it. Returns whether this call removed the user.

    ``epoch`` grows for the reason that ``set_password`` gives.
    """
    present = update(USERS).where(USERS.c.user_id == user_id, IS_PRESENT)
    if old_hash is not None:
        present = present.where(USERS.c.password_hash == old_hash)
    nobody = {"email": func.concat("removed:", USERS.c.user_id), "name": None, "picture_url": None}
    gone = {**nobody, "password_hash": None, "epoch": USERS.c.epoch + 1, "removed_at": NOW}
    user = present.values(gone).returning(USERS.c.user_id).cte("removed")
    ended = delete(CREDENTIALS).where(CREDENTIALS.c.user_id == user.c.user_id)
    is_removed = bool(run_statement(select(user.c.user_id).add_cte(ended.cte("ended"))))
    log.info("user removed" if is_removed else "user not removed", user_id=user_id)
    return is_removed


def exists(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Build the SQL condition that this user was not removed."""
    return select(USERS.c.user_id).where(USERS.c.user_id == user_id, IS_PRESENT).exists()


def _account(row: Row[Any]) -> Account:
    return Account(row.user_id, row.email, row.name, row.password_hash)
