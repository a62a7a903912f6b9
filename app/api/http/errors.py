"""Errors of a request as such, whatever it asks for."""

from http import HTTPStatus

from app.errors import AppError


class TooManyUploads(AppError):
    """The user is sending as many large bodies as they may at a time."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_uploads"
    retry_after = 2


class RequestForbidden(AppError):
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
