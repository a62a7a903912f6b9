"""Everything that can go wrong on purpose; ``app/problems.py`` turns it into answers."""

from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import DBAPIError


class AppError(Exception):
    """An error with an answer of its own. ``members`` are further members of the problem document."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class RunNotFound(AppError):
    """There is no such run of this user; somebody else's run is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "run_not_found"


class RunActive(AppError):
    """The user has an active run already; its id is ``run_id``."""

    status = HTTPStatus.CONFLICT
    code = "run_active"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} is active; wait for its end or abort it first.", run_id=run_id)
        self.run_id = run_id


class RunMoved(AppError):
    """The run is not in a status from which the wished move is legal; ``run_status`` is where it is."""

    status = HTTPStatus.CONFLICT
    code = "run_moved"

    def __init__(self, run_id: int, run_status: str, wish: str) -> None:
        message = f"Run {run_id} is {run_status} and cannot become {wish}"
        super().__init__(f"{message}.", success=False, message=message, run_status=run_status)
        self.run_status = run_status


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


class NoCompanies(AppError):
    """There is nothing to preview."""

    status = HTTPStatus.CONFLICT
    code = "no_companies"

    def __init__(self) -> None:
        super().__init__("There is no company that is switched on: add one, or switch one on.")


class PreviewNotFound(AppError):
    """There is no such preview of this user; somebody else's is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "preview_not_found"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"There is no preview {preview_id}.")


class PostingNotFound(AppError):
    """There is no such posting in this preview."""

    status = HTTPStatus.NOT_FOUND
    code = "posting_not_found"


class PreviewOutdated(AppError):
    """The companies or their filters are others than when the preview was made."""

    status = HTTPStatus.CONFLICT
    code = "preview_outdated"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"The companies or filters changed since preview {preview_id}; make a new one.")


class PreviewUnfinished(AppError):
    """The preview is still being made."""

    status = HTTPStatus.CONFLICT
    code = "preview_unfinished"

    def __init__(self, preview_id: int) -> None:
        super().__init__(f"Preview {preview_id} is still being made; wait for its end.")


class Unauthenticated(AppError):
    """Nobody is signed in."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


class SignInRefused(Unauthenticated):
    """Address or password is wrong; which of them, is not told."""

    code = "sign_in_refused"


class NoAccounts(AppError):
    """With AUTH=local there is nobody to sign in."""

    status = HTTPStatus.NOT_FOUND
    code = "no_accounts"

    def __init__(self) -> None:
        super().__init__("This server has one user and no accounts (AUTH=local).")


class WrongPassword(AppError):
    """The current password, which a change must be asked for with, is another one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "wrong_password"

    def __init__(self) -> None:
        wrong = "This is not your current password."
        super().__init__(wrong, errors={"current_password": [wrong]})


class UserNotFound(AppError):
    """There is no such user; only operators ask for one by name."""

    status = HTTPStatus.NOT_FOUND
    code = "user_not_found"


class EmailTaken(AppError):
    """There is a user with this address already."""

    status = HTTPStatus.CONFLICT
    code = "email_taken"


class CredentialNotFound(AppError):
    """There is no such session or token of this user; somebody else's is answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "credential_not_found"


class NothingDetected(AppError):
    """No board was found where a user pointed, or it could not be looked at; the code says why, the detail in words."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail, **members)
        self.code = code


class Busy(AppError):
    """Too much is going on here at this moment; what asks again a little later finds room."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "detect_busy"


class TooManyRequests(AppError):
    """A password was tried, or a board was looked for, too often; ``retry_after`` are the seconds to wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many tries; wait as long as Retry-After says.")
        self.retry_after = retry_after


class TooManyUploads(AppError):
    """The user is sending as many large bodies as they may at a time."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_uploads"


class Forbidden(AppError):
    """The request comes from where no request may come from."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class UnreadableBody(AppError):
    """The body broke off, or is not what its headers say."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad_request"


class UnsupportedBody(AppError):
    """The body is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"


class PageNotBuilt(AppError):
    """There is an interface for programs, but the page was never built."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "page_not_built"

    def __init__(self) -> None:
        super().__init__("The page is not built: run make build in the project's folder. The API works without it.")


class DatabaseUnavailable(AppError):
    """PostgreSQL did not answer, or not in time. ``reason`` is for the operator and never leaves the machine."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__("The database is away; nothing was promised, try again.")
        self.reason = reason


def database_sentence(error: DBAPIError) -> str:
    """What an operator at a terminal is told of a database error: its first line, which names no secret."""
    lines = str(error.orig).strip().splitlines()
    return f"PostgreSQL: {lines[0] if lines else 'no answer'}"
