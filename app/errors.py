"""Everything that can go wrong on purpose, and the one place that turns errors into ``application/problem+json``.

The shape is RFC 9457's, extended by ``code`` (stable, for programs), ``request_id`` (for a question to the operator)
and ``errors`` (by field, for bad input).
"""

from http import HTTPStatus
from typing import Any

import flask_smorest
import structlog
from flask import Flask, Response, json
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from app.logs import request_id
from app.schemas.problems import ProblemSchema

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

RETRY_AFTER_SECONDS = 2
"""What a client is told to wait when PostgreSQL is away; about as long as a supervised restart takes."""


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


class Unauthenticated(AppError):
    """Nobody is signed in."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


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


HTTP_CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_input",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}

DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing under this address.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 64 KiB.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Some of the input is not valid; see errors.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the operator finds it under this request_id.",
}


class Api(flask_smorest.Api):
    """flask-smorest, with our problem documents in place of its error payload."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # every answer is documented by its status

    def init_app(self, app: Flask, *, spec_kwargs: dict[str, Any] | None = None) -> None:
        """Bind to the application; without flask-smorest's schema of a paging that we do not use."""
        super().init_app(app, spec_kwargs=spec_kwargs)
        self.spec.components.schemas.pop("PaginationMetadata", None)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Turn werkzeug's and webargs's exceptions into problem documents; keeps their headers (Allow)."""
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        fields = getattr(error, "data", {}).get("messages", {})
        members = {"errors": _by_field(fields)} if fields else {}
        code = HTTP_CODES.get(status, "http_error")
        answer = problem(status, code, DETAILS.get(status, error.description), **members)
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                answer.headers[name] = value
        return answer


def init_app(app: Flask) -> None:
    """Register the handler of the AppError family; the rest is ``Api.handle_http_exception``."""
    app.register_error_handler(AppError, _app_error)


def problem(status: HTTPStatus, code: str, detail: str | None, **members: Any) -> Response:
    """Answer with a problem document."""
    document = problem_document(status, code, detail, request_id(), **members)
    return Response(json.dumps(document) + "\n", status.value, mimetype=PROBLEM_JSON)


def problem_document(
    status: HTTPStatus, code: str, detail: str | None, request_id: str | None, **members: Any
) -> dict[str, Any]:
    """An RFC 9457 problem document."""
    return {
        "type": f"urn:job-ingestion:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail or status.phrase,
        "code": code,
        "request_id": request_id,
        **members,
    }


def database_sentence(error: DBAPIError) -> str:
    """What an operator at a terminal is told of a database error: its first line, which names no secret."""
    lines = str(error.orig).strip().splitlines()
    return f"PostgreSQL: {lines[0] if lines else 'no answer'}"


def _app_error(error: AppError) -> Response:
    answer = problem(error.status, error.code, error.detail, **error.members)
    if isinstance(error, DatabaseUnavailable):
        log.warning("database unavailable", reason=error.reason)
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _by_field(messages: dict[str, Any]) -> dict[str, Any]:
    """webargs names the place (json, query) first; a person only wants the field."""
    return {field: texts for fields in messages.values() for field, texts in fields.items()}
