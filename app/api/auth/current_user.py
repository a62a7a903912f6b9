"""The user on whose behalf a request is made; found out in this one place."""

import math
import time

from flask import current_app, g, request

from app.api.auth import session_cookie
from app.errors import Unauthenticated
from app.models import CredentialKind
from app.services.accounts import credentials, users
from app.services.accounts.credentials import ActiveCredential

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

LOCAL_USER_SECONDS = 5
"""The operator may remove the local user while the product runs; the next change makes another one."""


def identify_user() -> None:
    """Identify the user of this request, before anything else about it is checked.

    With AUTH=local that is the one local user. With AUTH=accounts it is whoever the credential belongs to that the
    request carries. Raises Unauthenticated.
    """
    if current_app.config["SETTINGS"].auth == "local":
        g.user_id, g.credential = _local_user_id(), None
    elif credential := _shown_credential():
        g.user_id, g.credential = credential.user_id, credential
    else:
        raise Unauthenticated("Sign in first.")


def _local_user_id() -> int:
    """Return the local user's id; for a request that changes nothing, as it was read LOCAL_USER_SECONDS ago at most."""
    user_id, read_at = current_app.extensions.get("local_user", (0, -math.inf))
    if request.method not in SAFE_METHODS or time.monotonic() - read_at > LOCAL_USER_SECONDS:
        user_id = users.local_user_id()
        current_app.extensions["local_user"] = (user_id, time.monotonic())
    return int(user_id)


def current_user_id() -> int:
    """The id of the user on whose behalf this request is made."""
    user_id: int = g.user_id
    return user_id


def current_credential() -> ActiveCredential:
    """The session or token that this request is made with. Only with accounts."""
    credential: ActiveCredential = g.credential
    return credential


def _shown_credential() -> ActiveCredential | None:
    """A token if the request says that it carries one, whatever cookie comes with it; else a session.

    Never the cookie beside a token: the check of where a request comes from is passed over for those with a token.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.find(CredentialKind.TOKEN, token.strip())
    secret = session_cookie.shown_secret()
    return credentials.find(CredentialKind.SESSION, secret) if secret else None
