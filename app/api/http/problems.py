"""The one place that turns errors into ``application/problem+json``.

The shape is RFC 9457's, extended by ``code`` (stable, for programs), ``request_id`` (for a question to the operator)
and ``errors`` (by field, for bad input).
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import flask_smorest
import structlog
from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from app.errors import AppError, DatabaseUnavailable, Unauthenticated
from app.observability.logs import request_id
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
    HTTPStatus.NOT_FOUND: "There is nothing under this address.",
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
        detail = _too_large() if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else DETAILS.get(status)
        answer = problem(status, code, detail or error.description, **members)
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


def _too_large() -> str:
    """The sentence about a body that is larger than this request's may be."""
    kib = (request.max_content_length or 0) // 1024
    return f"The body is larger than {kib} KiB." if kib < 1024 else f"The body is larger than {kib // 1024} MiB."


def _app_error(error: AppError) -> Response:
    answer = problem(error.status, error.code, error.detail, **error.members)
    if isinstance(error, DatabaseUnavailable):
        log.warning("database unavailable", reason=error.reason)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _by_field(messages: dict[str, Any]) -> dict[str, list[str]]:
    """webargs names the place (json, query) first; a person only wants the field, and its way there: ``terms.0``."""
    return {name: texts for fields in messages.values() for name, texts in _flat(fields)}


def _flat(messages: Any, way: str = "") -> Iterator[tuple[str, list[str]]]:
    if not isinstance(messages, dict):
        yield way, messages
        return
    for name, inner in messages.items():
        yield from _flat(inner, f"{way}.{name}" if way else str(name))
