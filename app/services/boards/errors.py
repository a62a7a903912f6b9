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
    """Another worker reads the board right now."""

    status = HTTPStatus.CONFLICT
    code = "board_busy"
