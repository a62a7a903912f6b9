"""The base of all errors that have an HTTP answer; ``app/api/http/problems.py`` makes problem documents of them."""

from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import DBAPIError


class AppError(Exception):
    """An error with an answer of its own. ``members`` are further members of the problem document.

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
    """Nobody is signed in."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


class DatabaseUnavailable(AppError):
    """PostgreSQL did not answer, or not in time. ``reason`` is for the operator and never leaves the machine."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database_unavailable"
    retry_after = 2  # about as long as a supervised restart takes

    def __init__(self, reason: str) -> None:
        super().__init__("The database is away; nothing was promised, try again.")
        self.reason = reason


def database_sentence(error: DBAPIError) -> str:
    """What an operator at a terminal is told of a database error: its first line, which names no secret."""
    lines = str(error.orig).strip().splitlines()
    return f"PostgreSQL: {lines[0] if lines else 'no answer'}"
