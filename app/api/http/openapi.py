"""What the operations of the OpenAPI document have in common: how they read a body, and the problems they answer."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from apispec import BasePlugin
from flask import Flask, Response, json
from flask_smorest import Blueprint
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from app.api.http.bodies import read_body
from app.api.http.problems import PROBLEM_JSON, Api
from app.config.settings import Settings
from app.schemas.problems import InputProblemSchema, ProblemSchema

Problems = dict[int, tuple[str, type[Schema]]]

EVERYWHERE: Problems = {
    403: ("The request comes from a foreign peer, Host, Origin or Sec-Fetch-Site.", ProblemSchema),
    500: ("A fault of ours; the operator finds it under the request_id.", ProblemSchema),
}
SIGNED_IN: Problems = {
    401: ("Nobody is signed in.", ProblemSchema),
    503: ("PostgreSQL is away; nothing was promised.", ProblemSchema),
}
NO_SUCH_RUN: Problems = {404: ("There is no such run of this user.", ProblemSchema)}
NO_SUCH_PREVIEW: Problems = {404: ("There is no such preview of this user.", ProblemSchema)}
BAD_QUERY: Problems = {422: ("A parameter is unknown or out of range.", InputProblemSchema)}
BAD_BODY: Problems = {
    400: ("The body broke off.", ProblemSchema),
    413: ("The body is larger than 64 KiB.", ProblemSchema),
    415: ("The body is not application/json.", ProblemSchema),
}
BAD_JSON: Problems = {
    400: ("The body broke off, or is not valid JSON.", ProblemSchema),
    422: ("The body is not an object, or a field is unknown or not valid.", InputProblemSchema),
}


HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}


def security_schemes(settings: Settings) -> dict[str, dict[str, str]]:
    """The two credentials, the cookie by the name that it has here."""
    return {
        "session": {
            "type": "apiKey", "in": "cookie", "name": settings.session_cookie, "description": "What /login sets."
        },
        "token": {"type": "http", "scheme": "bearer", "description": "A token of /credentials, for programs."},
    }


REQUEST_ID = {"description": "What the operator finds this request by.", "schema": {"type": "string"}}
OWN_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of the client's own; one that is not well-formed is replaced.",
    "schema": {"type": "string"},
}
PUBLIC: list[dict[str, list[str]]] = []
"""The ``security`` of an operation that asks for no credential, whatever AUTH is."""


class DocumentPlugin(BasePlugin):
    """Documents the request's id, which every operation takes and every answer carries, and what a schema demands
    beyond its fields (``DOCUMENTED``)."""

    def schema_helper(self, name: str, definition: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Add what the schema says about itself."""
        documented: dict[str, Any] = getattr(kwargs.get("schema"), "DOCUMENTED", {})
        return documented

    def operation_helper(self, path: Any = None, operations: Any = None, **kwargs: Any) -> None:
        """Add it to the operations of one address."""
        for operation in operations.values():
            operation.setdefault("parameters", []).append(OWN_REQUEST_ID)
            for answer in operation["responses"].values():
                answer["headers"] = {**answer.get("headers", {}), "X-Request-ID": REQUEST_ID}


def serve_document(app: Flask, api: Api) -> None:
    """Serve the OpenAPI document. It is rendered once, because that takes twenty times as long as any other answer."""

    @cache
    def rendered() -> str:
        return f"{json.dumps(api.spec.to_dict(), indent=2)}\n"

    app.add_url_rule("/api/openapi.json", "openapi", lambda: Response(rendered(), mimetype="application/json"))


class Parser(FlaskParser):
    """webargs, for which a body that is no JSON, or is nested too deeply to be read, is a BadRequest.

    What is unknown is for the schema to judge, in queries too: a misspelt filter that is passed over would lie.
    """

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Read the body."""
        try:
            return super().load_json(req, schema)
        except (BadRequest, RecursionError, ValueError) as error:
            raise BadRequest("The body is not valid JSON, or is nested too deeply.") from error


class ApiBlueprint(Blueprint):
    """A blueprint that reads bodies with our parser, once ``guards`` have let the request pass."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *names: str, guards: Sequence[Callable[[], None]] = (), **options: Any) -> None:
        super().__init__(*names, **options)
        for guard in (*guards, read_body):
            self.before_request(guard)

    def problems(self, *groups: Problems) -> Callable[[Any], Any]:
        """Document an operation's name, and the problems that it answers besides those that every one does."""

        def decorate(function: Any) -> Any:
            return self.doc(operationId=function.__name__, responses=responses)(function)

        merged: Problems = {}
        for group in (EVERYWHERE, *groups):
            merged |= group
        responses = {status: _answer(status, *merged[status]) for status in sorted(merged)}
        return decorate


def _answer(status: int, description: str, schema: type[Schema]) -> dict[str, Any]:
    answer = {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}
    return answer | ({"headers": HEADERS[status]} if status in HEADERS else {})
