"""Runs over HTTP: load, call, dump."""

from typing import Any

from flask import url_for

from app.api.documentation import (
    BAD_BODY,
    BAD_JSON,
    BAD_QUERY,
    NO_SUCH_PREVIEW,
    NO_SUCH_RUN,
    SIGNED_IN,
    ApiBlueprint,
    Problems,
)
from app.api.identity import current_user_id, identify_user
from app.schemas.problems import RunMovedProblemSchema, StartRefusedProblemSchema
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
from app.services import runs
from app.tasks import dispatch

blueprint = ApiBlueprint("ingestion", __name__, url_prefix="/api/ingestion", description="Ingestion runs of one user.")
blueprint.before_request(identify_user)

NOT_STARTED: Problems = {
    409: ("A run is active already; or the preview is outdated or unfinished.", StartRefusedProblemSchema)
}
LOCATION = {"Location": {"description": "The address of the new run.", "schema": {"type": "string"}}}


@blueprint.get("/current-run")
@blueprint.response(200, CurrentRunSchema, description="The active run's id, or null.")
@blueprint.problems(SIGNED_IN)
def current_run() -> Any:
    """Find the active run"""
    return {"run_id": runs.current(current_user_id())}


@blueprint.post("/start")
@blueprint.arguments(StartSchema, required=False, description="Nothing, or which preview it starts from.")
@blueprint.response(201, RunIdSchema, description="The run is started and cannot be lost.", headers=LOCATION)
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NO_SUCH_PREVIEW, NOT_STARTED)
def start(given: dict[str, Any]) -> Any:
    """Start a run"""
    run_id = dispatch.start_run(current_user_id(), given["preview_id"])
    return {"run_id": run_id}, 201, {"Location": url_for(".run", run_id=run_id)}


@blueprint.post("/abort/<run_id:run_id>")
@blueprint.response(200, AbortedSchema, description="The run is aborted, now or already before.")
@blueprint.problems(
    SIGNED_IN, BAD_BODY, NO_SUCH_RUN, {409: ("The run is finished or in error.", RunMovedProblemSchema)}
)
def abort(run_id: int) -> Any:
    """Abort a run"""
    runs.abort(run_id, current_user_id())
    return {"success": True, "message": f"Run {run_id} aborted"}


@blueprint.get("/runs/<run_id:run_id>")
@blueprint.response(200, RunSchema, description="The run in full.")
@blueprint.problems(SIGNED_IN, NO_SUCH_RUN)
def run(run_id: int) -> Any:
    """Look at a run"""
    return runs.get(run_id, current_user_id())


@blueprint.get("/runs/<run_id:run_id>/events")
@blueprint.arguments(EventsQuerySchema, location="query")
@blueprint.response(200, EventsSchema, description="The changes of its status, in order.")
@blueprint.problems(SIGNED_IN, NO_SUCH_RUN, BAD_QUERY)
def run_events(query: dict[str, Any], run_id: int) -> Any:
    """Read a run's timeline"""
    return {"events": runs.events(run_id, current_user_id(), query["after"])}


@blueprint.get("/runs")
@blueprint.arguments(RunsQuerySchema, location="query")
@blueprint.response(200, RunsPageSchema, description="Newest first.")
@blueprint.problems(SIGNED_IN, BAD_QUERY)
def runs_page(query: dict[str, Any]) -> Any:
    """List the runs"""
    page, next_before = runs.newest(current_user_id(), **query)
    return {"runs": page, "next_before": next_before}
