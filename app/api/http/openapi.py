"""The OpenAPI document: the parts that operations share, and its URL."""

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from apispec import BasePlugin
from flask import Flask, Response, json
from marshmallow import Schema

from app.api.auth.session_cookie import cookie_name
from app.api.http.problems import PROBLEM_JSON, Api
from app.config.settings import Settings
from app.schemas.problems import InputProblemSchema, ProblemSchema


class Problem(NamedTuple):
    """One cause of an error response."""

    status: int
    description: str
    schema: type[Schema] = ProblemSchema


REQUEST_FORBIDDEN = Problem(403, "The request comes from a foreign peer, Host, Origin or Sec-Fetch-Site.")
INTERNAL_ERROR = Problem(500, "The server failed. The operator finds the error by its request_id.")
NOT_SIGNED_IN = Problem(401, "The request has no valid credential.")
DATABASE_UNAVAILABLE = Problem(503, "PostgreSQL is unavailable; the outcome is unknown, try again.")
BODY_CUT_SHORT = Problem(400, "The body was cut short.")
BODY_NOT_JSON_TYPE = Problem(415, "The body is not sent as application/json.")
BAD_JSON = Problem(400, "The body is not valid JSON.")
BAD_FIELD = Problem(422, "The body is not an object, or a field is unknown or invalid.", InputProblemSchema)
BAD_PARAMETER = Problem(422, "A parameter is unknown or out of range.", InputProblemSchema)
KEY_MALFORMED = Problem(400, "The Idempotency-Key is malformed (`idempotency_key_invalid`).")
KEY_REUSED = Problem(422, "The Idempotency-Key was used with another body before (`idempotency_key_reused`).")
TOO_MANY_DOWNLOADS = Problem(
    429, "The server is already preparing or sending four large responses for this user (`too_many_downloads`)."
)
TOO_MANY_UPLOADS = Problem(429, "The server is already receiving two large bodies of this user (`too_many_uploads`).")


def header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """Return the documentation of a response header: a string, unless ``schema`` overrides the type."""
    return {name: {"description": description, "schema": {"type": "string", **schema}}}


RETRY_AFTER = header("Retry-After", "Seconds to wait.", type="integer")
PROBLEM_HEADERS = {401: header("WWW-Authenticate", "The scheme to sign in with."), 429: RETRY_AFTER, 503: RETRY_AFTER}

RESPONSE_REQUEST_ID = header("X-Request-ID", "The id by which the operator finds this request.")
OFFERED_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "The client's own id for the request. A malformed one is replaced.",
    "schema": {"type": "string"},
}


def problem_responses(problems: Iterable[Problem]) -> dict[int, dict[str, Any]]:
    """Return the documented responses, one for each status.

    Problems with the same status share a response; its schema is the one with the most members.
    """
    by_status = groupby(sorted(problems, key=attrgetter("status")), key=attrgetter("status"))
    return {status: _problem_response(status, list(causes)) for status, causes in by_status}


def _problem_response(status: int, causes: list[Problem]) -> dict[str, Any]:
    schema = max((cause.schema for cause in causes), key=lambda schema: len(schema.__mro__))
    first, *others = [cause.description.removesuffix(".") for cause in causes]
    others = [f"{other[0].lower()}{other[1:]}" for other in others]
    return {
        "description": "; or ".join([first, *others]) + ".",
        "content": {PROBLEM_JSON: {"schema": schema}},
        "headers": PROBLEM_HEADERS.get(status, {}),
    }


def security_schemes(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the two ways to authenticate; the cookie has the name that ``settings`` give it."""
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_name(settings),
            "description": "The cookie that /login sets.",
        },
        "token": {"type": "http", "scheme": "bearer", "description": "A token of /credentials, for programs."},
    }


class DocumentPlugin(BasePlugin):
    """An apispec plugin. It adds X-Request-ID to every operation, and a schema class's ``DOCUMENTED`` to its schema."""

    def schema_helper(self, name: str, definition: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Return the schema's rules that its fields cannot express."""
        documented: dict[str, Any] = getattr(kwargs.get("schema"), "DOCUMENTED", {})
        return documented

    def operation_helper(self, path: Any = None, operations: Any = None, **kwargs: Any) -> None:
        """Add X-Request-ID to the parameters and responses of a path."""
        for operation in operations.values():
            operation.setdefault("parameters", []).append(OFFERED_REQUEST_ID)
            for response in operation["responses"].values():
                response["headers"] = {**response.get("headers", {}), **RESPONSE_REQUEST_ID}


def serve_document(app: Flask, api: Api) -> None:
    """Serve the OpenAPI document. It is rendered only once: that takes twenty times as long as any other response."""

    @cache
    def rendered() -> str:
        return f"{json.dumps(api.spec.to_dict(), indent=2)}\n"

    app.add_url_rule("/api/openapi.json", "openapi", lambda: Response(rendered(), mimetype="application/json"))
