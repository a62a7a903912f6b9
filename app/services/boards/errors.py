"""Errors of boards."""

from http import HTTPStatus

from app.errors import AppError


class LeaseLost(Exception):
    """The caller no longer holds the board: its lease was claimed by another worker, or the reading has ended."""


class BoardNotFound(AppError):
    """There is no such board."""

    status = HTTPStatus.NOT_FOUND
    code = "board_not_found"


class BoardBusy(AppError):
    """The board cannot be claimed now."""

    status = HTTPStatus.CONFLICT
    code = "board_busy"

    def __init__(self) -> None:
        super().__init__("A worker reads this board now, or its source is held back or switched off. Try again later.")


class BoardNotRead(AppError):
    """The reading did not end, for instance because the source is at its rate limit."""

    status = HTTPStatus.CONFLICT
    code = "board_not_read"

    def __init__(self) -> None:
        super().__init__("The board could not be read now. The log has the reason. Try again later.")
