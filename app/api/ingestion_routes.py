"""Runs over HTTP: load, call, dump."""

from typing import Any

from flask import request, url_for

from app.api.auth.current_user import current_user_id, identify_user
from app.api.http.idempotency_key import HEADER, KEY_PATTERN, parse_key
from app.api.http.openapi import (
    BAD_BODY,
    BAD_JSON,
    BAD_QUERY,
    NO_SUCH_PREVIEW,
    NO_SUCH_RUN,
    SIGNED_IN,
    ApiBlueprint,
    Problems,
)
from app.schemas.problems import InputProblemSchema, ProblemSchema, RunMovedProblemSchema, StartRefusedProblemSchema
from app.schemas.runs import (
    AbortedSchema,
    CurrentRunSchema,
    EventsQuerySchema,
    EventsSchema,
    RunIdSchema,
    RunSchema,
    RunsPageSchema,
    RunsQuerySchema,
    StartSchema,
)
from app.services.runs import queries, transitions
from app.services.runs.start import start_run

blueprint = ApiBlueprint(
    "ingestion",
    __name__,
    guards=[identify_user],
    url_prefix="/api/ingestion",
    description="Ingestion runs of one user.",
)

NOT_STARTED: Problems = {
    409: ("A run is active already; or the preview is outdated or unfinished.", StartRefusedProblemSchema)
}
BAD_START: Problems = {
    400: ("The body broke off, or is not valid JSON; or the Idempotency-Key is none.", ProblemSchema),
    422: (f"{BAD_JSON[422][0][:-1]}; or the Idempotency-Key has started something else.", InputProblemSchema),
}
LOCATION = {"Location": {"description": "The address of the run.", "schema": {"type": "string"}}}
REPLAYED = {"Idempotency-Replayed": {"description": "Always true.", "schema": {"type": "string", "enum": ["true"]}}}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "description": "A name for this start, unique among the user's, such as a UUID in quotes: asked again with the same"
    " key and body, the answer is the run that it started, however often and whatever became of that. The key lives as"
    " long as its run. 1 to 255 printable ASCII characters as a structured-field string, or bare ones of"
    " `A-Za-z0-9._~:/+=-`.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}


@blueprint.get("/current-run")
@blueprint.response(200, CurrentRunSchema, description="The active run's id, or null.")
@blueprint.problems(SIGNED_IN)
def current_run() -> Any:
    """Find the active run"""
    return {"run_id": queries.current(current_user_id())}


@blueprint.post("/start")
@blueprint.arguments(StartSchema, required=False, description="Nothing, or which preview it starts from.")
@blueprint.response(201, RunIdSchema, description="The run is started and cannot be lost.", headers=LOCATION)
@blueprint.alt_response(
    200,
    schema=RunIdSchema,
    description="The run that was started with this Idempotency-Key before, and `Idempotency-Replayed: true`.",
    headers={**LOCATION, **REPLAYED},
    success=True,
)
@blueprint.doc(parameters=[IDEMPOTENCY_KEY])
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_START, NO_SUCH_PREVIEW, NOT_STARTED)
def start(given: dict[str, Any]) -> Any:
    """Start a run"""
    key = parse_key(request.headers.get(HEADER))
    run_id, is_new = start_run(current_user_id(), given["preview_id"], key)
    headers = {"Location": url_for(".run", run_id=run_id)} | ({} if is_new else {"Idempotency-Replayed": "true"})
    return {"run_id": run_id}, 201 if is_new else 200, headers


@blueprint.post("/abort/<run_id:run_id>")
@blueprint.response(200, AbortedSchema, description="The run is aborted, now or already before.")
@blueprint.problems(
    SIGNED_IN, BAD_BODY, NO_SUCH_RUN, {409: ("The run is finished or in error.", RunMovedProblemSchema)}
)
def abort(run_id: int) -> Any:
    """Abort a run"""
    transitions.abort(run_id, current_user_id())
    return {"success": True, "message": f"Run {run_id} aborted"}


@blueprint.get("/runs/<run_id:run_id>")
@blueprint.response(200, RunSchema, description="The run in full.")
@blueprint.problems(SIGNED_IN, NO_SUCH_RUN)
def run(run_id: int) -> Any:
    """Look at a run"""
    return queries.get(run_id, current_user_id())


@blueprint.get("/runs/<run_id:run_id>/events")
@blueprint.arguments(EventsQuerySchema, location="query")
@blueprint.response(200, EventsSchema, description="The changes of its status, in order.")
@blueprint.problems(SIGNED_IN, NO_SUCH_RUN, BAD_QUERY)
def run_events(query: dict[str, Any], run_id: int) -> Any:
    """Read a run's timeline"""
    return {"events": queries.events(run_id, current_user_id(), query["after"])}


@blueprint.get("/runs")
@blueprint.arguments(RunsQuerySchema, location="query")
@blueprint.response(200, RunsPageSchema, description="Newest first.")
@blueprint.problems(SIGNED_IN, BAD_QUERY)
def runs_page(query: dict[str, Any]) -> Any:
    """List the runs"""
    page, next_before = queries.newest(current_user_id(), **query)
    return {"runs": page, "next_before": next_before}
