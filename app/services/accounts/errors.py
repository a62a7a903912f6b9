"""Errors of users, their passwords, sessions and tokens."""

from http import HTTPStatus

from app.errors import AppError, Unauthenticated
from app.models import MAX_TOKENS


class SignInRefused(Unauthenticated):
    """The address or the password is wrong; the response does not say which."""

    code = "sign_in_refused"


class WrongPassword(AppError):
    """The current password that confirms a change of the account is wrong. ``field`` of the body holds it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "wrong_password"

    def __init__(self, field: str = "current_password") -> None:
        detail = "This is not your current password."
        super().__init__(detail, errors={field: [detail]})


class UserNotFound(AppError):
    """There is no such user. Only the command line looks users up by address."""

    status = HTTPStatus.NOT_FOUND
    code = "user_not_found"


class EmailTaken(AppError):
    """A user with this address already exists."""

    status = HTTPStatus.CONFLICT
    code = "email_taken"


class TooManyTokens(AppError):
    """The user has ``MAX_TOKENS`` valid tokens."""

    status = HTTPStatus.CONFLICT
    code = "too_many_tokens"

    def __init__(self) -> None:
        super().__init__(f"There are already {MAX_TOKENS} tokens, the maximum. Revoke one that is no longer needed.")


class CredentialNotFound(AppError):
    """The user has no such session or token. One of another user gets the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "credential_not_found"
