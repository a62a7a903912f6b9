"""Errors of users, their passwords, sessions and tokens."""

from http import HTTPStatus

from app.errors import AppError, Unauthenticated


class SignInRefused(Unauthenticated):
    """The e-mail address or the password is wrong. The response does not say which."""

    code = "sign_in_refused"


class WrongPassword(AppError):
    """A change of password came with a wrong current password."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "wrong_password"

    def __init__(self) -> None:
        detail = "This is not your current password."
        super().__init__(detail, errors={"current_password": [detail]})


class UserNotFound(AppError):
    """There is no user with this e-mail address. Only operators look users up by address."""

    status = HTTPStatus.NOT_FOUND
    code = "user_not_found"


class EmailTaken(AppError):
    """Another user has this e-mail address."""

    status = HTTPStatus.CONFLICT
    code = "email_taken"


class CredentialNotFound(AppError):
    """The user has no such session or token. Another user's credential gives the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "credential_not_found"
