"""Errors of a user's companies and of the search for their boards."""

from http import HTTPStatus
from typing import Any

from app.errors import AppError


class CompanyNotFound(AppError):
    """There is no such company of this user; somebody else's is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "company_not_found"


class CompanyExists(AppError):
    """The user has this board already; ``company_id`` is under which id."""

    status = HTTPStatus.CONFLICT
    code = "company_exists"

    def __init__(self, company_id: int) -> None:
        super().__init__("You have this board already.", company_id=company_id)


class CompanyChanged(AppError):
    """The company was changed since the client last saw it; ``company`` is its row as it is."""

    status = HTTPStatus.CONFLICT
    code = "company_changed"

    def __init__(self, company: Any) -> None:
        super().__init__("This company was changed meanwhile; look at it, then change it again.")
        self.company = company


class TooManyCompanies(AppError):
    """The user would have more companies than anybody may."""

    status = HTTPStatus.CONFLICT
    code = "too_many_companies"


class NothingDetected(AppError):
    """No board was found where a user pointed, or it could not be looked at; the code says why, the detail in words."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail, **members)
        self.code = code


class DetectionBusy(AppError):
    """Too much is going on here at this moment; what asks again a little later finds room."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "detect_busy"
    retry_after = 2
