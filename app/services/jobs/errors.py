"""Errors of jobs."""

from http import HTTPStatus

from app.errors import AppError


class JobNotFound(AppError):
    """The user has no such job. A job of another user gets the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "job_not_found"
