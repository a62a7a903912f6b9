"""Who owns runs: the local user, and the people who sign in."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import Credential, User
from app.services.accounts.errors import EmailTaken, UserNotFound
from app.services.accounts.passwords import hash_password

log = structlog.get_logger(__name__)

USERS = table_of(User)
CREDENTIALS = table_of(Credential)

USER_REMOVED = "This user does not exist any more."

LOCAL_EMAIL = "local@localhost"
"""The one user of AUTH=local; no mail can reach this address."""

LOCAL = select(USERS.c.user_id).where(USERS.c.email == bindparam("email"))


def local_user_id() -> int:
    """Return the id of the one local user, who is made when first asked for. Commits then."""
    if not (rows := run_statement(LOCAL, email=LOCAL_EMAIL)):
        run_statement(insert(USERS).values(email=LOCAL_EMAIL, name="You").on_conflict_do_nothing())
        rows = run_statement(LOCAL, email=LOCAL_EMAIL)
    return rows[0].user_id


def add(email: str, password: str) -> int:
    """Add somebody who may sign in and return his id. Commits. Raises EmailTaken."""
    row = {"email": email.strip().lower(), "password_hash": hash_password(password)}
    added = run_statement(insert(USERS).values(row).on_conflict_do_nothing().returning(USERS.c.user_id))
    if not added:
        raise EmailTaken(f"There is a user {email} already.")
    return added[0].user_id


def find_by_email(email: str) -> Row[Any] | None:
    """Return the user with this address, whatever its case, or None. Changes nothing."""
    rows = run_statement(select(USERS).where(func.lower(USERS.c.email) == email.strip().lower()))
    return rows[0] if rows else None


def find_by_id(user_id: int) -> Row[Any]:
    """Return the user on whose behalf a request is made. Changes nothing. Raises Unauthenticated if he is gone."""
    rows = run_statement(select(USERS).where(USERS.c.user_id == user_id))
    if not rows:
        raise Unauthenticated(USER_REMOVED)
    return rows[0]


def get_by_email(email: str) -> Row[Any]:
    """Return the user with this address, for operators. Changes nothing. Raises UserNotFound."""
    if (user := find_by_email(email)) is None:
        raise UserNotFound(f"There is no user {email}.")
    return user


def list_users() -> Sequence[Row[Any]]:
    """Return all users by address, each with the number of his credentials. Changes nothing."""
    held = select(func.count()).where(CREDENTIALS.c.user_id == USERS.c.user_id).scalar_subquery()
    return run_statement(select(USERS, held.label("credentials")).order_by(USERS.c.email))


def set_password(user_id: int, password: str, old_hash: str | None = None, keep: int | None = None) -> bool:
    """Give a user a new password, and end every session and token of his but the one to ``keep``. Commits.

    His epoch ends with it: what is being issued at this very moment, on the strength of the old password or of a
    session that ends, belongs to the old epoch and is dead however the two overtake each other. With ``old_hash`` only
    if the password is still that one; returns whether it was.
    """
    new = {"password_hash": hash_password(password), "epoch": USERS.c.epoch + 1}
    changed = update(USERS).where(USERS.c.user_id == user_id).values(new)
    if old_hash is not None:
        changed = changed.where(USERS.c.password_hash == old_hash)
    done = changed.returning(USERS.c.user_id, USERS.c.epoch).cte("done")
    his = CREDENTIALS.c.user_id == done.c.user_id
    kept = update(CREDENTIALS).where(his, CREDENTIALS.c.credential_id == keep).values(epoch=done.c.epoch)
    ended = delete(CREDENTIALS).where(his, CREDENTIALS.c.credential_id.is_distinct_from(keep))
    was = bool(run_statement(select(done.c.user_id).add_cte(kept.cte("kept"), ended.cte("ended"))))
    log.info("password changed" if was else "password not changed", user_id=user_id)
    return was


def remove(user_id: int) -> None:
    """Remove a user with his runs, jobs, sessions and tokens, which all end at once. Commits."""
    run_statement(delete(USERS).where(USERS.c.user_id == user_id))
