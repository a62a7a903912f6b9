"""Errors of authentication and its rate limits over HTTP."""

from http import HTTPStatus

from app.errors import AppError


class NoAccounts(AppError):
    """With AUTH=local there are no accounts to sign in to."""

    status = HTTPStatus.NOT_FOUND
    code = "no_accounts"

    def __init__(self) -> None:
        super().__init__("This server has one user and no accounts (AUTH=local).")


class TooManyRequests(AppError):
    """A rate limit on password attempts or board detections is exceeded. ``retry_after`` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} s.")
        self.retry_after = retry_after
