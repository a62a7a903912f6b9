"""The blueprint of all routes: it reads their requests and writes their contract into the OpenAPI document."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from app.api.auth.current_user import SAFE_METHODS
from app.api.http import openapi
from app.api.http.bodies import allow_large_body, body_limit, end_upload, read_body, too_large
from app.api.http.downloads import end_download, keep_until_sent, limit_downloads
from app.api.http.idempotency_key import IDEMPOTENCY_KEY
from app.api.http.openapi import Problem, header
from app.concurrency.compute_pool import PARSING_POOL
from app.schemas.problems import ProblemSchema
from app.schemas.streamed_body import StreamedSchema

Handler = Callable[..., Any]
Decorator = Callable[[Any], Any]


class RequestParser(FlaskParser):
    """A webargs parser that refuses unknown members, of queries too: ignoring a misspelt filter would mislead."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Read the body. Raises BadRequest if it is not JSON or is nested too deeply.

        A body that may be large is read and validated on a native thread, while other requests go on.
        """
        try:
            if isinstance(schema, StreamedSchema):
                return PARSING_POOL.run(schema.read, req.get_data())
            return super().load_json(req, schema)
        except (BadRequest, RecursionError, ValueError) as error:
            raise BadRequest("The body is not valid JSON, or is nested too deeply.") from error


class ApiBlueprint(Blueprint):
    """A blueprint that guards its routes and documents the problems they share; a route names only its own."""

    ARGUMENTS_PARSER = RequestParser()

    def __init__(self, *names: str, guards: Sequence[Callable[[], None]] = (), **options: Any) -> None:
        super().__init__(*names, **options)
        self._has_guards = bool(guards)
        self._public: set[str] = set()
        self._problems: defaultdict[str, list[Problem]] = defaultdict(list)
        for guard in (*guards, read_body):
            self.before_request(guard)
        self.teardown_request(end_upload)
        self.after_request(keep_until_sent)
        self.teardown_request(end_download)

    def problem(self, status: int, description: str, schema: type[Schema] = ProblemSchema) -> Decorator:
        """Document a problem of this route alone."""
        return self._documents(Problem(status, description, schema))

    def arguments(self, schema: type[Schema], *, location: str = "json", **options: Any) -> Decorator:
        """Pass the validated body or query to the handler, and document the problems of an invalid one."""
        problems = [openapi.BAD_PARAMETER] if location == "query" else [openapi.BAD_JSON, openapi.BAD_FIELD]
        document, validate = self._documents(*problems), super().arguments(schema, location=location, **options)
        return lambda handler: validate(document(handler))

    def public(self, handler: Handler) -> Handler:
        """Document that the route needs no credential, whatever AUTH is."""
        self._public.add(handler.__name__)
        documented: Handler = self.doc(security=[])(handler)
        return documented

    def idempotent(self, schema: type[Schema], *, headers: dict[str, Any]) -> Decorator:
        """Document a route's Idempotency-Key, its response to a repeated request (200), and the key's problems."""
        parameter = self.doc(parameters=[IDEMPOTENCY_KEY])
        replay = self.alt_response(
            200,
            schema=schema,
            description="The run that an earlier request with this Idempotency-Key started.",
            headers={**headers, **header("Idempotency-Replayed", "Always true.", enum=["true"])},
            success=True,
        )
        problems = self._documents(openapi.KEY_MALFORMED, openapi.KEY_REUSED)
        return lambda handler: parameter(replay(problems(handler)))

    def large_response(self, handler: Handler) -> Handler:
        """Limit the simultaneous responses of this route for each user, and document the limit."""
        return self._documents(openapi.TOO_MANY_DOWNLOADS)(limit_downloads(handler))

    def large_body(self, max_bytes: int) -> Decorator:
        """Allow bodies of up to ``max_bytes`` for this route. A user may send two large bodies at a time."""

        def decorate(handler: Handler) -> Handler:
            allow_large_body(f"{self.name}.{handler.__name__}", max_bytes)
            return document(handler)

        document = self._documents(openapi.TOO_MANY_UPLOADS)
        return decorate

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Register a route, and document its problems."""
        name = view_func.__name__
        shared = self._shared_problems(name, options.get("methods", ("GET",)))
        responses = openapi.problem_responses([*shared, *self._problems[name]])
        documented = self.doc(operationId=name, responses=responses)(view_func)
        super().add_url_rule(rule, endpoint, documented, *args, **options)

    def _documents(self, *problems: Problem) -> Decorator:
        def decorate(handler: Handler) -> Handler:
            # Decorators run from the bottom up; the document keeps their order in the file.
            self._problems[handler.__name__][:0] = problems
            return handler

        return decorate

    def _shared_problems(self, name: str, methods: Sequence[str]) -> Iterator[Problem]:
        yield openapi.REQUEST_FORBIDDEN
        yield openapi.INTERNAL_ERROR
        if self._has_guards:
            yield openapi.DATABASE_UNAVAILABLE
            if name not in self._public:
                yield openapi.NOT_SIGNED_IN
        if not set(methods) <= set(SAFE_METHODS):
            yield openapi.BODY_CUT_SHORT
            yield Problem(413, too_large(body_limit(f"{self.name}.{name}")))
            yield openapi.BODY_NOT_JSON_TYPE
