"""Errors of users, their passwords, sessions and tokens."""

from http import HTTPStatus

from app.errors import AppError, Unauthenticated


class SignInRefused(Unauthenticated):
    """Address or password is wrong; which of them, is not told."""

    code = "sign_in_refused"


class WrongPassword(AppError):
    """The current password, which a change must be asked for with, is another one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "wrong_password"

    def __init__(self) -> None:
        wrong = "This is not your current password."
        super().__init__(wrong, errors={"current_password": [wrong]})


class UserNotFound(AppError):
    """There is no such user; only operators ask for one by name."""

    status = HTTPStatus.NOT_FOUND
    code = "user_not_found"


class EmailTaken(AppError):
    """There is a user with this address already."""

    status = HTTPStatus.CONFLICT
    code = "email_taken"


class CredentialNotFound(AppError):
    """There is no such session or token of this user; somebody else's is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "credential_not_found"
