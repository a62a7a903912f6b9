"""The base of all errors with an HTTP response; ``app/api/http/problems.py`` turns them into problem documents."""

from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import DBAPIError


class AppError(Exception):
    """An error with its own HTTP response. ``members`` are added to the problem document.

    Subclasses live beside the code that raises them.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"
    retry_after: int | None = None
    """Seconds until a retry may succeed; sent as Retry-After."""

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class Unauthenticated(AppError):
    """The request has no valid credential, or its user was removed."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


class DatabaseUnavailable(AppError):
    """PostgreSQL did not respond in time. ``reason`` is for the log and the operator; clients never receive it.

    The outcome is unknown: PostgreSQL may have committed, and only its response was lost.
    """

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database_unavailable"
    retry_after = 2  # about as long as a supervised restart takes

    def __init__(self, reason: str) -> None:
        super().__init__("The database is unavailable; the outcome is unknown. Try again.")
        self.reason = reason


def describe_database_error(error: DBAPIError) -> str:
    """Return the error's first line, for the operator; it contains no secret."""
    lines = str(error.orig).strip().splitlines()
    return f"PostgreSQL: {lines[0] if lines else 'no response'}"
