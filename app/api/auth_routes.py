"""Accounts over HTTP: signing in and out, sessions and tokens, the password."""

from typing import Any

from flask import Response, current_app, request, url_for

from app.api.auth import session_cookie
from app.api.auth.current_user import current_credential, current_user_id, identify_user
from app.api.auth.errors import NoAccounts
from app.api.auth.rate_limits import password_tries
from app.api.http.openapi import BAD_BODY, BAD_JSON, PUBLIC, SIGNED_IN, ApiBlueprint, Problems
from app.schemas.auth import (
    CredentialsSchema,
    IssuedTokenSchema,
    MeSchema,
    NewPasswordSchema,
    NewTokenSchema,
    SignInSchema,
)
from app.schemas.problems import ProblemSchema
from app.services.accounts import credentials, users
from app.services.accounts.errors import WrongPassword
from app.services.accounts.passwords import verify_password

NO_ACCOUNTS: Problems = {404: ("With AUTH=local there are no accounts.", ProblemSchema)}
NO_SUCH_CREDENTIAL: Problems = {404: ("There is no such session or token of this user.", ProblemSchema)}
TOO_OFTEN: Problems = {429: ("Passwords were tried too often; Retry-After says how long to wait.", ProblemSchema)}
REFUSED: Problems = {401: ("The e-mail address or the password is wrong; which, is not told.", ProblemSchema)}
LOCATION = {"Location": {"description": "Where it is revoked.", "schema": {"type": "string"}}}
COOKIE = {"Set-Cookie": {"description": "The session, for the browser alone.", "schema": {"type": "string"}}}


def require_user() -> None:
    """Let only signed-in users pass, except to sign in or out; without accounts, only to ask who one is."""
    if current_app.config["SETTINGS"].auth == "local" and request.endpoint != "auth.me":
        raise NoAccounts
    if request.endpoint not in ("auth.login", "auth.logout"):
        identify_user()


blueprint = ApiBlueprint(
    "auth",
    __name__,
    guards=[require_user],
    url_prefix="/api/auth",
    description="Who one is, with AUTH=accounts.",
)


@blueprint.post("/login")
@password_tries
@blueprint.arguments(SignInSchema)
@blueprint.response(204, description="Signed in: the cookie carries the session.", headers=COOKIE)
@blueprint.problems({**SIGNED_IN, **REFUSED}, BAD_BODY, BAD_JSON, NO_ACCOUNTS, TOO_OFTEN)
@blueprint.doc(security=PUBLIC)
def login(given: dict[str, Any]) -> Response:
    """Sign in"""
    issued = credentials.sign_in(given["email"], given["password"], session_cookie.browser_name())
    session_cookie.end()
    return session_cookie.remember(issued.secret)


@blueprint.post("/logout")
@blueprint.response(204, description="Signed out: the session is gone, if there was one.", headers=COOKIE)
@blueprint.problems({503: SIGNED_IN[503]}, BAD_BODY, NO_ACCOUNTS)
@blueprint.doc(security=PUBLIC)
def logout() -> Response:
    """Sign out"""
    session_cookie.end()
    return session_cookie.forget()


@blueprint.get("/me")
@blueprint.response(200, MeSchema, description="The user, and how the product knows.")
@blueprint.problems(SIGNED_IN)
def me() -> Any:
    """Find out who one is"""
    user = users.find_by_id(current_user_id())
    auth = current_app.config["SETTINGS"].auth
    return {"auth": auth, "user_id": user.user_id, "email": user.email, "name": user.name}


@blueprint.get("/credentials")
@blueprint.response(200, CredentialsSchema, description="Those that are neither revoked nor expired.")
@blueprint.problems(SIGNED_IN, NO_ACCOUNTS)
def list_credentials() -> Any:
    """List one's sessions and tokens"""
    current = current_credential().credential_id
    mine = [row._mapping for row in credentials.list_for_user(current_user_id())]
    return {"credentials": [{**row, "is_current": row["credential_id"] == current} for row in mine]}


@blueprint.post("/credentials")
@blueprint.arguments(NewTokenSchema)
@blueprint.response(201, IssuedTokenSchema, description="The token; it is not shown again.", headers=LOCATION)
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NO_ACCOUNTS)
def make_token(given: dict[str, Any]) -> Any:
    """Make a token"""
    version = current_credential().credential_version
    issued = credentials.make_token(current_user_id(), given["name"], given["expires_in_days"], version)
    return issued, 201, {"Location": url_for(".revoke", credential_id=issued.credential_id)}


@blueprint.delete("/credentials/<credential_id:credential_id>")
@blueprint.response(204, description="It is revoked, at once.")
@blueprint.problems(SIGNED_IN, BAD_BODY, NO_SUCH_CREDENTIAL)
def revoke(credential_id: int) -> None:
    """Revoke a session or a token"""
    credentials.revoke(credential_id, current_user_id())


@blueprint.post("/password")
@password_tries
@blueprint.arguments(NewPasswordSchema)
@blueprint.response(204, description="Changed; every other session and every token has ended.")
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NO_ACCOUNTS, TOO_OFTEN)
def change_password(given: dict[str, Any]) -> None:
    """Change one's password"""
    user = users.find_by_id(current_user_id())
    right = verify_password(user.password_hash, given["current_password"])
    keep = current_credential().credential_id
    if not right or not users.set_password(user.user_id, given["new_password"], user.password_hash, keep):
        raise WrongPassword
