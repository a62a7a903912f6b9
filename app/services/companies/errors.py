"""Errors of a user's companies and of the detection of boards."""

from http import HTTPStatus
from typing import Any

from app.errors import AppError
from app.models import MAX_COMPANIES


class CompanyNotFound(AppError):
    """The user has no such company. A company of another user gets the same response."""

    status = HTTPStatus.NOT_FOUND
    code = "company_not_found"


class CompanyExists(AppError):
    """The user already has this board, as the company ``company_id``."""

    status = HTTPStatus.CONFLICT
    code = "company_exists"

    def __init__(self, company_id: int) -> None:
        super().__init__("You already have this board.", company_id=company_id)


class CompanyChanged(AppError):
    """The company was changed since the client read it. ``company`` is its current row."""

    status = HTTPStatus.CONFLICT
    code = "company_changed"

    def __init__(self, company: Any) -> None:
        super().__init__("This company was changed since you loaded it. Reload it, then make your change again.")
        self.company = company


class TooManyCompanies(AppError):
    """The user would have more than MAX_COMPANIES companies."""

    status = HTTPStatus.CONFLICT
    code = "too_many_companies"

    def __init__(self) -> None:
        super().__init__(f"You can have at most {MAX_COMPANIES} companies. Remove some before you add others.")


class NothingDetected(AppError):
    """No board was found, or it could not be read. The code is the reason; the detail explains it to the user."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail, **members)
        self.code = code


class TooManyDetections(AppError):
    """The user has as many detections in progress as allowed. A retry after ``retry_after`` seconds may succeed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_detections"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__("Two boards are already being checked for you. Try again when one of them is done.")


class DetectionBusy(AppError):
    """Too many detections are in progress. A retry after ``retry_after`` seconds may succeed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "detect_busy"
    retry_after = 2
