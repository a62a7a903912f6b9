"""Turn every error into ``application/problem+json`` (RFC 9457).

Four members extend the standard: ``code`` is stable, for programs; ``request_id`` leads the operator to the log;
``errors`` lists the first faults of bad input by field, and ``more_errors`` counts the others.
"""

from http import HTTPStatus
from typing import Any

import flask_smorest
import structlog
from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from app.api.http.bodies import too_large
from app.errors import AppError, DatabaseUnavailable, Unauthenticated
from app.observability.logs import request_id
from app.schemas.faults import Faults, InvalidBody
from app.schemas.problems import ProblemSchema

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

HTTP_CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_input",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}

DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Some fields are invalid; see errors.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed. The operator finds it in the log under this request_id.",
}


class Api(flask_smorest.Api):
    """flask-smorest, with problem documents in place of its error payload."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # every response is documented by its status

    def init_app(self, app: Flask, *, spec_kwargs: dict[str, Any] | None = None) -> None:
        """Bind to the application. Remove flask-smorest's pagination schema, which is unused."""
        super().init_app(app, spec_kwargs=spec_kwargs)
        self.spec.components.schemas.pop("PaginationMetadata", None)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Turn an exception of werkzeug or webargs into a problem document; keep its headers (Allow)."""
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        members = _faults(error)
        code = HTTP_CODES.get(status, "http_error")
        is_too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        detail = too_large(request.max_content_length or 0) if is_too_large else DETAILS.get(status)
        response = problem(status, code, detail or error.description, **members)
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response


def init_app(app: Flask) -> None:
    """Register the handler of AppError; ``Api.handle_http_exception`` handles all others."""
    app.register_error_handler(AppError, _app_error)


def problem(status: HTTPStatus, code: str, detail: str | None, **members: Any) -> Response:
    """Return a problem document as a response."""
    document = problem_document(status, code, detail, request_id(), **members)
    return Response(json.dumps(document) + "\n", status.value, mimetype=PROBLEM_JSON)


def problem_document(
    status: HTTPStatus, code: str, detail: str | None, request_id: str | None, **members: Any
) -> dict[str, Any]:
    """Return an RFC 9457 problem document."""
    return {
        "type": f"urn:job-ingestion:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail or status.phrase,
        "code": code,
        "request_id": request_id,
        **members,
    }


def _app_error(error: AppError) -> Response:
    response = problem(error.status, error.code, error.detail, **error.members)
    if isinstance(error, DatabaseUnavailable):
        log.warning("database unavailable", reason=error.reason)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _faults(error: HTTPException) -> dict[str, Any]:
    """Return the members for the faults that webargs found. It puts their location (json, query) first."""
    invalid = getattr(error, "exc", None)
    if isinstance(invalid, InvalidBody):
        faults = invalid.faults
    else:
        faults = Faults()
        for messages in getattr(error, "data", {}).get("messages", {}).values():
            faults.add(messages)
    members: dict[str, Any] = {"errors": faults.by_path} if faults.by_path else {}
    return {**members, "more_errors": faults.more} if faults.more else members
