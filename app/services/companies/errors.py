"""Errors of a user's companies, and of the detection of their boards."""

from http import HTTPStatus
from typing import Any

from app.errors import AppError


class CompanyNotFound(AppError):
    """The user has no such company. Another user's company gives the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "company_not_found"


class CompanyExists(AppError):
    """The user already has this board, as company ``company_id``."""

    status = HTTPStatus.CONFLICT
    code = "company_exists"

    def __init__(self, company_id: int) -> None:
        super().__init__("This board is already in your list of companies.", company_id=company_id)


class CompanyChanged(AppError):
    """The company has changed since the client read it; ``company`` is its current row."""

    status = HTTPStatus.CONFLICT
    code = "company_changed"

    def __init__(self, company: Any) -> None:
        super().__init__("This company was changed elsewhere. Check its current settings, then try again.")
        self.company = company


class TooManyCompanies(AppError):
    """The user would exceed the maximum number of companies."""

    status = HTTPStatus.CONFLICT
    code = "too_many_companies"


class NothingDetected(AppError):
    """No board was found, or it could not be read. ``code`` names the reason for programs, the detail for users."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail, **members)
        self.code = code


class DetectionBusy(AppError):
    """All slots for detections are in use; one will soon be free."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "detect_busy"
    retry_after = 2
