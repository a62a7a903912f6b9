"""Authenticate each request. Only this module determines the user of a request."""

import math
import time

from flask import current_app, g, request

from app.api.auth import session_cookie
from app.errors import Unauthenticated
from app.models import CredentialKind
from app.services.accounts import credentials, users
from app.services.accounts.credentials import ActiveCredential

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

LOCAL_USER_CACHE_SECONDS = 5
"""Short, because the operator may remove the local user while the product runs. The next look-up creates a new one."""


def authenticate() -> None:
    """Find the request's user. This guard runs before the body is read.

    With AUTH=local, that is the local user; with AUTH=accounts, the owner of the session or token.
    Raises Unauthenticated.
    """
    if current_app.config["SETTINGS"].auth == "local":
        g.user_id, g.credential = _local_user_id(), None
    elif credential := _find_credential():
        g.user_id, g.credential = credential.user_id, credential
    else:
        raise Unauthenticated("Sign in first.")


def _local_user_id() -> int:
    """Return the local user's id. Requests that only read get it from a cache of LOCAL_USER_CACHE_SECONDS."""
    user_id, read_at = current_app.extensions.get("local_user", (0, -math.inf))
    if request.method not in SAFE_METHODS or time.monotonic() - read_at > LOCAL_USER_CACHE_SECONDS:
        user_id = users.local_user_id()
        current_app.extensions["local_user"] = (user_id, time.monotonic())
    return int(user_id)


def current_user_id() -> int:
    """Return the id of the authenticated user."""
    user_id: int = g.user_id
    return user_id


def current_credential() -> ActiveCredential:
    """Return the session or token of the request. Requires AUTH=accounts."""
    credential: ActiveCredential = g.credential
    return credential


def _find_credential() -> ActiveCredential | None:
    """Return the credential of the Authorization header if it has a token, else of the cookie.

    The cookie is ignored if there is a token, even an invalid one, because requests with a token skip the CSRF check.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.find(CredentialKind.TOKEN, token.strip())
    secret = session_cookie.read_secret()
    return credentials.find(CredentialKind.SESSION, secret) if secret else None
