"""Sessions and API tokens. The secret is shown once; its row holds only the hash.

The database limits their number for each user (the trigger ``credentials_limit``).
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg.errors import CheckViolation, ForeignKeyViolation
from sqlalchemy import Row, bindparam, delete, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import Credential, CredentialKind, User
from app.services.accounts import users
from app.services.accounts.errors import CredentialNotFound, SignInRefused, TooManyTokens
from app.services.accounts.passwords import verify_password

log = structlog.get_logger(__name__)

CREDENTIALS = table_of(Credential)
USERS = table_of(User)

SESSION_SECONDS = 30 * 24 * 3600
"""Lifetime of a session from its sign-in, used or not."""

LAST_USED_SECONDS = 60
"""Minimum seconds between two updates of ``last_used_at``."""

MAX_EXPIRED = 1000
"""The most expired credentials that one statement removes."""

LIMIT_TRIGGER = "credentials_limit"
"""The trigger that refuses a token beyond MAX_TOKENS."""

TOKEN_PREFIX = "ji_"
"""Prefix by which people and secret scanners recognise a token."""

IS_VALID = (
    or_(CREDENTIALS.c.expires_at.is_(None), CREDENTIALS.c.expires_at > NOW),
    CREDENTIALS.c.user_id == USERS.c.user_id,
    CREDENTIALS.c.epoch == USERS.c.epoch,
)
"""The conditions of a valid credential: it has not expired, and no change of the password has ended it."""

LAST_USED_IS_STALE = or_(
    CREDENTIALS.c.last_used_at.is_(None), CREDENTIALS.c.last_used_at < seconds_from_now(-LAST_USED_SECONDS)
)

BY_SECRET = select(
    CREDENTIALS.c.credential_id, CREDENTIALS.c.user_id, CREDENTIALS.c.epoch, LAST_USED_IS_STALE.label("is_stale")
).where(CREDENTIALS.c.secret_hash == bindparam("secret_hash"), CREDENTIALS.c.kind == bindparam("kind"), *IS_VALID)
"""The credential with this secret. Built once, because with AUTH=accounts every request executes it."""

# The subquery lets PostgreSQL search the index, which it does only for a value that is the same for every row.
EXPIRED = (
    select(CREDENTIALS.c.credential_id)
    .where(CREDENTIALS.c.expires_at <= select(NOW).scalar_subquery())
    .order_by(CREDENTIALS.c.expires_at)
    .limit(MAX_EXPIRED)
    .with_for_update(skip_locked=True)
    .cte("expired")
)
REMOVE_EXPIRED = (
    delete(CREDENTIALS).where(CREDENTIALS.c.credential_id == EXPIRED.c.credential_id)
    .returning(CREDENTIALS.c.credential_id)
)


@dataclass(frozen=True)
class ActiveCredential:
    """The session or token that a request presents."""

    credential_id: int
    user_id: int
    credential_version: int
    """The ``epoch`` that the credential carries. A new password raises the user's, which ends the older credentials."""


@dataclass(frozen=True)
class IssuedCredential:
    """A new credential with its secret, which is never shown again."""

    credential_id: int
    secret: str


def sign_in(email: str, password: str, name: str) -> IssuedCredential:
    """Open a session named ``name`` for the user with this address and password. Commits.

    The oldest session beyond MAX_SESSIONS ends. Takes the same time whether the address is known or not. Raises
    SignInRefused, which does not reveal it either.
    """
    user = users.find_by_email(email)
    verified = verify_password(user.password_hash if user else None, password)
    if user is None or not verified:
        log.warning("sign-in refused", user_id=user.user_id if user else None)
        raise SignInRefused("The e-mail address or the password is wrong.")
    # The verified hash is checked again, because the password may have changed since.
    signed_in = (
        update(USERS)
        .where(USERS.c.user_id == user.user_id, USERS.c.password_hash == user.password_hash)
        .values(last_login=NOW)
        .returning(USERS.c.user_id, USERS.c.epoch)
        .cte("signed_in")
    )
    owner = select(signed_in.c.user_id, signed_in.c.epoch)
    issued = _issue(owner, CredentialKind.SESSION, name, secrets.token_urlsafe(32), SESSION_SECONDS)
    if issued is None:
        raise SignInRefused("The e-mail address or the password is wrong.")
    return issued


def make_token(
    user_id: int, name: str, expires_in_days: int | None = None, credential_version: int | None = None
) -> IssuedCredential:
    """Make a token. Without ``expires_in_days`` it never expires. Commits.

    ``credential_version`` is that of the credential which requests the token. Raises Unauthenticated if the password
    has changed since that version, or if the user was removed; TooManyTokens if they have MAX_TOKENS valid ones.
    """
    owner = select(USERS.c.user_id, USERS.c.epoch).where(USERS.c.user_id == user_id, users.IS_PRESENT)
    if credential_version is not None:
        owner = owner.where(USERS.c.epoch == credential_version)
    seconds = None if expires_in_days is None else expires_in_days * 24 * 3600
    issued = _issue(owner, CredentialKind.TOKEN, name, TOKEN_PREFIX + secrets.token_urlsafe(32), seconds)
    if issued is None:
        raise Unauthenticated("Sign in first.")
    return issued


def find(kind: CredentialKind, secret: str) -> ActiveCredential | None:
    """Return the valid credential of this kind with this secret, or None.

    Commits ``last_used_at``, at most once in LAST_USED_SECONDS.
    """
    rows = run_statement(BY_SECRET, secret_hash=_hash(secret), kind=kind)
    if not rows:
        return None
    found = rows[0]
    if found.is_stale:
        used = update(CREDENTIALS).where(CREDENTIALS.c.credential_id == found.credential_id, LAST_USED_IS_STALE)
        run_statement(used.values(last_used_at=NOW))
    return ActiveCredential(found.credential_id, found.user_id, found.epoch)


def list_for_user(user_id: int, after: int | None = None, limit: int = 100) -> tuple[list[Row[Any]], int | None]:
    """Return a page of a user's valid sessions and tokens, and the ``after`` of the next page.

    They come newest first, without their secret hashes.
    """
    public = [column for column in CREDENTIALS.c if column.name not in ("secret_hash", "epoch")]
    mine = select(*public).where(CREDENTIALS.c.user_id == user_id, *IS_VALID)
    if after is not None:
        mine = mine.where(CREDENTIALS.c.credential_id < after)
    rows = list(run_statement(mine.order_by(CREDENTIALS.c.credential_id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].credential_id if len(rows) > limit else None


def revoke(credential_id: int, user_id: int) -> None:
    """End a session or token of this user at once. Commits.

    Raises CredentialNotFound, also if the credential belongs to another user.
    """
    ended = delete(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id, CREDENTIALS.c.user_id == user_id)
    if not run_statement(ended.returning(CREDENTIALS.c.credential_id)):
        raise CredentialNotFound("There is no such session or token.")
    log.info("credential revoked", user_id=user_id, credential_id=credential_id)


def end(credential_id: int) -> None:
    """End a session or token of any user; if it has ended already, do nothing. Commits."""
    run_statement(delete(CREDENTIALS).where(CREDENTIALS.c.credential_id == credential_id))


def remove_expired() -> int:
    """Remove at most MAX_EXPIRED expired sessions and tokens of any users, and return their number. Commits.

    Rows that another statement holds are left to the next call, so that callers never wait for each other.
    """
    return len(run_statement(REMOVE_EXPIRED))


def _issue(owner: Any, kind: CredentialKind, name: str, secret: str, seconds: int | None) -> IssuedCredential | None:
    """Insert a credential for the user of the query ``owner``. Commits. Returns None if the query has no row.

    Raises TooManyTokens, and Unauthenticated if the user was removed.
    """
    expires_at = literal(None) if seconds is None else seconds_from_now(seconds)
    user_id, epoch = owner.subquery().c
    row = select(user_id, epoch, literal(kind), literal(name), literal(_hash(secret)), expires_at)
    columns = ["user_id", "epoch", "kind", "name", "secret_hash", "expires_at"]
    new = insert(CREDENTIALS).from_select(columns, row)
    try:
        rows = run_statement(new.returning(CREDENTIALS.c.credential_id, CREDENTIALS.c.user_id))
    except IntegrityError as error:
        if isinstance(error.orig, CheckViolation) and error.orig.diag.constraint_name == LIMIT_TRIGGER:
            raise TooManyTokens from error
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(users.USER_REMOVED) from error
    if not rows:
        return None
    log.info("credential issued", user_id=rows[0].user_id, credential_id=rows[0].credential_id, kind=kind.value)
    return IssuedCredential(rows[0].credential_id, secret)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
