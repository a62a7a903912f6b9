"""Errors of signing in over HTTP."""

from http import HTTPStatus

from app.errors import AppError


class NoAccounts(AppError):
    """With AUTH=local there is nobody to sign in."""

    status = HTTPStatus.NOT_FOUND
    code = "no_accounts"

    def __init__(self) -> None:
        super().__init__("This server has one user and no accounts (AUTH=local).")


class TooManyRequests(AppError):
    """A password was tried, or a board was looked for, too often; ``retry_after`` are the seconds to wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many tries; wait as long as Retry-After says.")
        self.retry_after = retry_after
