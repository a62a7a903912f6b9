"""Errors that a request to any route may cause."""

from http import HTTPStatus

from app.errors import AppError


class TooManyUploads(AppError):
    """The user is already sending as many large bodies as allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_uploads"
    retry_after = 2


class TooManyDownloads(AppError):
    """The user is already receiving as many large responses as allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_downloads"
    retry_after = 2


class RequestForbidden(AppError):
    """The request comes from a foreign peer, host name or page."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class UnreadableBody(AppError):
    """The body was cut short, or contradicts its headers."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad_request"


class UnsupportedBody(AppError):
    """The body is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"


class PageNotBuilt(AppError):
    """The page's files are missing; the API works without them."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "page_not_built"

    def __init__(self) -> None:
        super().__init__("The page is not built: run make build in the project's folder. The API works without it.")
