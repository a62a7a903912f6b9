"""Accounts over HTTP: signing in and out, sessions and tokens, the password."""

from typing import Any

from flask import Response, current_app, request, url_for

from app.api.auth import session_cookie
from app.api.auth.current_user import authenticate, current_credential, current_user_id
from app.api.auth.errors import NoAccounts
from app.api.auth.rate_limits import limit_account_attempts, limit_address_attempts
from app.api.http.blueprint import ApiBlueprint
from app.api.http.openapi import header
from app.models import MAX_TOKENS
from app.schemas.auth import (
    CredentialsQuerySchema,
    CredentialsSchema,
    DeleteAccountSchema,
    IssuedTokenSchema,
    MeSchema,
    NewPasswordSchema,
    NewTokenSchema,
    SignInSchema,
)
from app.services import removal
from app.services.accounts import credentials, users
from app.services.accounts.errors import WrongPassword
from app.services.accounts.passwords import verify_password

NO_ACCOUNTS = "With AUTH=local there are no accounts (`no_accounts`)."
TOO_MANY_ATTEMPTS = "Too many attempts with a password; Retry-After says how long to wait."
SIGN_IN_REFUSED = "The e-mail address or the password is wrong (`sign_in_refused`). The response does not say which."
TOO_MANY_TOKENS = f"The user has {MAX_TOKENS} tokens that have not expired (`too_many_tokens`)."
LOCATION = header("Location", "The URL that revokes the token.")
COOKIE = header("Set-Cookie", "The session, for browsers.")
COOKIE_CLEARED = header("Set-Cookie", "Deletes the session's cookie.")


def require_user() -> None:
    """Authenticate all requests but login and logout. With AUTH=local only ``/me`` exists. Raises NoAccounts."""
    if current_app.config["SETTINGS"].auth == "local" and request.endpoint != "auth.me":
        raise NoAccounts
    if request.endpoint not in ("auth.login", "auth.logout"):
        authenticate()


blueprint = ApiBlueprint(
    "auth",
    __name__,
    guards=[require_user],
    url_prefix="/api/auth",
    description="The signed-in user, with AUTH=accounts.",
)


@blueprint.post("/login")
@blueprint.public
@limit_address_attempts
@blueprint.arguments(SignInSchema)
@limit_account_attempts
@blueprint.response(204, description="The cookie carries the new session.", headers=COOKIE)
@blueprint.problem(401, SIGN_IN_REFUSED)
@blueprint.problem(404, NO_ACCOUNTS)
@blueprint.problem(429, TOO_MANY_ATTEMPTS)
def login(body: dict[str, Any]) -> Response:
    """Sign in"""
    issued = credentials.sign_in(body["email"], body["password"], session_cookie.user_agent())
    session_cookie.end_session()
    return session_cookie.set_cookie(issued.secret)


@blueprint.post("/logout")
@blueprint.public
@blueprint.response(204, description="The session has ended, if there was one.", headers=COOKIE)
@blueprint.problem(404, NO_ACCOUNTS)
def logout() -> Response:
    """Sign out"""
    session_cookie.end_session()
    return session_cookie.clear_cookie()


@blueprint.get("/me")
@blueprint.response(200, MeSchema, description="The signed-in user.")
def me() -> Any:
    """Get the signed-in user"""
    user = users.find_by_id(current_user_id())
    auth = current_app.config["SETTINGS"].auth
    return {"auth": auth, "user_id": user.user_id, "email": user.email, "name": user.name}


@blueprint.get("/credentials")
@blueprint.arguments(CredentialsQuerySchema, location="query")
@blueprint.response(200, CredentialsSchema, description="A page of those that are neither revoked nor expired.")
@blueprint.problem(404, NO_ACCOUNTS)
def list_credentials(query: dict[str, Any]) -> Any:
    """List the user's sessions and tokens"""
    current = current_credential().credential_id
    page, after = credentials.list_for_user(current_user_id(), **query)
    listed = [{**row._mapping, "is_current": row.credential_id == current} for row in page]
    return {"credentials": listed, "next": after}


@blueprint.post("/credentials")
@blueprint.arguments(NewTokenSchema)
@blueprint.response(201, IssuedTokenSchema, description="The token. It is never shown again.", headers=LOCATION)
@blueprint.problem(404, NO_ACCOUNTS)
@blueprint.problem(409, TOO_MANY_TOKENS)
def make_token(body: dict[str, Any]) -> Any:
    """Create a token"""
    version = current_credential().credential_version
    issued = credentials.make_token(current_user_id(), body["name"], body["expires_in_days"], version)
    return issued, 201, {"Location": url_for(".revoke", credential_id=issued.credential_id)}


@blueprint.delete("/credentials/<credential_id:credential_id>")
@blueprint.response(204, description="The session or token has ended.")
@blueprint.problem(404, NO_ACCOUNTS)
@blueprint.problem(404, "There is no such session or token of this user (`credential_not_found`).")
def revoke(credential_id: int) -> None:
    """Revoke a session or a token"""
    credentials.revoke(credential_id, current_user_id())


@blueprint.post("/password")
@limit_address_attempts
@blueprint.arguments(NewPasswordSchema)
@limit_account_attempts
@blueprint.response(204, description="The password was changed. All other sessions and all tokens have ended.")
@blueprint.problem(404, NO_ACCOUNTS)
@blueprint.problem(422, "The current password is wrong (`wrong_password`).")
@blueprint.problem(429, TOO_MANY_ATTEMPTS)
def change_password(body: dict[str, Any]) -> None:
    """Change the user's password"""
    user = users.find_by_id(current_user_id())
    matches = verify_password(user.password_hash, body["current_password"])
    keep = current_credential().credential_id
    if not matches or not users.set_password(user.user_id, body["new_password"], user.password_hash, keep):
        raise WrongPassword


@blueprint.post("/delete")
@limit_address_attempts
@blueprint.arguments(DeleteAccountSchema)
@limit_account_attempts
@blueprint.response(204, description="The account is gone, and its run is aborted.", headers=COOKIE_CLEARED)
@blueprint.problem(404, NO_ACCOUNTS)
@blueprint.problem(422, "The password is wrong (`wrong_password`).")
@blueprint.problem(429, TOO_MANY_ATTEMPTS)
def delete_account(body: dict[str, Any]) -> Response:
    """Delete the user's account with all companies, runs and jobs"""
    user = users.find_by_id(current_user_id())
    matches = verify_password(user.password_hash, body["password"])
    if not matches or not removal.mark_removed(user.user_id, user.password_hash):
        raise WrongPassword("password")
    return session_cookie.clear_cookie()
