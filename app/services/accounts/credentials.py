"""Sessions and tokens: rows that hold the hash of a secret which is shown once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Row, bindparam, delete, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.db.execute import run_statement, seconds_from_now
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import Credential, CredentialKind, User
from app.services.accounts import users
from app.services.accounts.errors import CredentialNotFound, SignInRefused
from app.services.accounts.passwords import verify_password

log = structlog.get_logger(__name__)

CREDENTIALS = table_of(Credential)
USERS = table_of(User)

SESSION_SECONDS = 30 * 24 * 3600
"""A session ends this long after signing in, used or not."""

LAST_USED_SECONDS = 60
"""That a credential was used is written down at most once in this time."""

TOKEN_PREFIX = "ji_"
"""For people and for scanners to know a token by."""

ALIVE = (
    or_(CREDENTIALS.c.expires_at.is_(None), CREDENTIALS.c.expires_at > func.clock_timestamp()),
    CREDENTIALS.c.user_id == USERS.c.user_id,
    CREDENTIALS.c.epoch == USERS.c.epoch,
)
"""Neither expired nor of an epoch that a new password has ended."""

STALE = or_(CREDENTIALS.c.last_used_at.is_(None), CREDENTIALS.c.last_used_at < seconds_from_now(-LAST_USED_SECONDS))

SHOWN = select(
    CREDENTIALS.c.credential_id, CREDENTIALS.c.user_id, CREDENTIALS.c.epoch, STALE.label("stale")
).where(CREDENTIALS.c.secret_hash == bindparam("hash"), CREDENTIALS.c.kind == bindparam("of_kind"), *ALIVE)
"""Which credential a request shows; built once, because every request asks."""


@dataclass(frozen=True)
class IssuedCredential:
    """A credential just made, with the secret that nobody will see again."""

    credential_id: int
    secret: str


def sign_in(email: str, password: str, name: str) -> IssuedCredential:
    """Open a session named ``name`` for whoever has this address and password. Commits.

    Takes the same time whether the address is known or not. Raises SignInRefused, which does not tell either.
    """
    user = users.find_by_email(email)
    verified = verify_password(user.password_hash if user else None, password)
    if user is None or not verified:
        log.warning("sign-in refused", user_id=user.user_id if user else None)
        raise SignInRefused("The e-mail address or the password is wrong.")
    # Only if the password is still that one, should it be changed at this very moment.
    signed_in = (
        update(USERS)
        .where(USERS.c.user_id == user.user_id, USERS.c.password_hash == user.password_hash)
        .values(last_login=func.clock_timestamp())
        .returning(USERS.c.user_id, USERS.c.epoch)
        .cte("signed_in")
    )
    gone = delete(CREDENTIALS).where(
        CREDENTIALS.c.user_id == user.user_id, CREDENTIALS.c.expires_at <= func.clock_timestamp()
    )
    owner = select(signed_in.c.user_id, signed_in.c.epoch).add_cte(gone.cte("gone"))
    issued = _issue(owner, CredentialKind.SESSION, name, secrets.token_urlsafe(32), SESSION_SECONDS)
    if issued is None:
        raise SignInRefused("The e-mail address or the password is wrong.")
    return issued


def make_token(
    user_id: int, name: str, expires_in_days: int | None = None, epoch: int | None = None
) -> IssuedCredential:
    """Make a token; without ``expires_in_days`` one that never expires. Commits.

    With ``epoch``, that of the credential it is asked for with, only while that is still the user's. Raises
    Unauthenticated if it is not, or if he is gone.
    """
    owner = select(USERS.c.user_id, USERS.c.epoch).where(USERS.c.user_id == user_id)
    if epoch is not None:
        owner = select(USERS.c.user_id, literal(epoch)).where(USERS.c.user_id == user_id, USERS.c.epoch == epoch)
    seconds = None if expires_in_days is None else expires_in_days * 24 * 3600
    issued = _issue(owner, CredentialKind.TOKEN, name, TOKEN_PREFIX + secrets.token_urlsafe(32), seconds)
    if issued is None:
        raise Unauthenticated("Sign in first.")
    return issued


def find(kind: CredentialKind, secret: str) -> Row[Any] | None:
    """Return the living credential of this kind with this secret, or None. Commits at most once a minute: its use."""
    rows = run_statement(SHOWN, hash=_hash(secret), of_kind=kind)
    if rows and rows[0].stale:
        used = update(CREDENTIALS).where(CREDENTIALS.c.credential_id == rows[0].credential_id, STALE)
        run_statement(used.values(last_used_at=func.clock_timestamp()))
    return rows[0] if rows else None


def list_for_user(user_id: int) -> Sequence[Row[Any]]:
    """Return a user's living sessions and tokens, newest first, without anything secret. Changes nothing."""
    shown = [column for column in CREDENTIALS.c if column.name not in ("secret_hash", "epoch")]
    mine = select(*shown).where(CREDENTIALS.c.user_id == user_id, *ALIVE)
    return run_statement(mine.order_by(CREDENTIALS.c.credential_id.desc()))


def revoke(credential_id: int, user_id: int) -> None:
    """End a session or token of this user, at once. Commits. Raises CredentialNotFound, also for another's."""
    ended = delete(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id, CREDENTIALS.c.user_id == user_id)
    if not run_statement(ended.returning(CREDENTIALS.c.credential_id)):
        raise CredentialNotFound("There is no such session or token.")
    log.info("credential revoked", user_id=user_id, credential_id=credential_id)


def end(credential_id: int) -> None:
    """End a session or token, whosever it is; one that is gone already stays gone. Commits."""
    run_statement(delete(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id))


def _issue(owner: Any, kind: CredentialKind, name: str, secret: str, seconds: int | None) -> IssuedCredential | None:
    """Insert a credential for the user that the query ``owner`` finds; None if it finds nobody. Commits."""
    ends = literal(None) if seconds is None else seconds_from_now(seconds)
    found = owner.subquery()
    user_id, epoch = found.c
    row = select(user_id, epoch, literal(kind), literal(name), literal(_hash(secret)), ends)
    columns = ["user_id", "epoch", "kind", "name", "secret_hash", "expires_at"]
    new = insert(CREDENTIALS).from_select(columns, row)
    try:
        rows = run_statement(new.returning(CREDENTIALS.c.credential_id, CREDENTIALS.c.user_id))
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(users.USER_REMOVED) from error
    if not rows:
        return None
    log.info("credential issued", user_id=rows[0].user_id, credential_id=rows[0].credential_id, kind=kind.value)
    return IssuedCredential(rows[0].credential_id, secret)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
