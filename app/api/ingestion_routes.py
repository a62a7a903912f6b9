"""Ingestion runs over HTTP."""

from typing import Any

from flask import request, url_for

from app.api.auth.current_user import authenticate, current_user_id
from app.api.http.blueprint import ApiBlueprint
from app.api.http.idempotency_key import HEADER, parse_key
from app.api.http.openapi import header
from app.schemas import examples
from app.schemas.cursors import encode_cursor
from app.schemas.problems import (
    ClosingsRefusedProblemSchema,
    RetryRefusedProblemSchema,
    RunMovedProblemSchema,
    StartRefusedProblemSchema,
)
from app.schemas.run_companies import RunCompaniesQuerySchema, RunCompaniesSchema
from app.schemas.runs import (
    AbortedSchema,
    AnsweredClosingsSchema,
    AnswerSchema,
    CurrentRunSchema,
    EventsQuerySchema,
    EventsSchema,
    RunIdSchema,
    RunSchema,
    RunsPageSchema,
    RunsQuerySchema,
    StartSchema,
)
from app.services.runs import closings, company_queries, queries, transitions
from app.services.runs.retry import retry_run
from app.services.runs.start import start_run

blueprint = ApiBlueprint(
    "ingestion",
    __name__,
    guards=[authenticate],
    url_prefix="/api/ingestion",
    description="The user's ingestion runs.",
)

NO_SUCH_RUN = "There is no such run of this user."
LOCATION = header("Location", "The URL of the run.")


@blueprint.get("/current-run")
@blueprint.response(200, CurrentRunSchema, description="The active run's id, or null.")
def current_run() -> Any:
    """Get the active run's id"""
    return {"run_id": queries.current(current_user_id())}


@blueprint.post("/start")
@blueprint.arguments(StartSchema, required=False, description="The preview to start from, or nothing.")
@blueprint.response(201, RunIdSchema, description="The run is stored, and will be carried out.", headers=LOCATION)
@blueprint.idempotent(RunIdSchema, headers=LOCATION)
@blueprint.problem(404, "There is no such preview of this user.")
@blueprint.problem(409, "A run is active; or the preview is outdated.", StartRefusedProblemSchema)
def start(body: dict[str, Any]) -> Any:
    """Start a run"""
    return _started(*start_run(current_user_id(), body["preview_id"], _key()))


@blueprint.post("/runs/<run_id:run_id>/retry")
@blueprint.response(201, RunIdSchema, description="A run of the failed companies is stored.", headers=LOCATION)
@blueprint.idempotent(RunIdSchema, headers=LOCATION)
@blueprint.problem(404, NO_SUCH_RUN)
@blueprint.problem(
    409, "A run is active; or no failed company is still there and enabled.", RetryRefusedProblemSchema
)
def retry(run_id: int) -> Any:
    """Start a run of another run's failed companies"""
    return _started(*retry_run(run_id, current_user_id(), _key()))


@blueprint.post("/abort/<run_id:run_id>")
@blueprint.response(200, AbortedSchema, description="The run is aborted, now or by an earlier request.")
@blueprint.problem(404, NO_SUCH_RUN)
@blueprint.problem(409, "The run has finished or failed.", RunMovedProblemSchema)
def abort(run_id: int) -> Any:
    """Abort a run"""
    transitions.abort(run_id, current_user_id())
    return {"success": True, "message": f"Run {run_id} aborted"}


@blueprint.get("/runs/<run_id:run_id>")
@blueprint.response(200, RunSchema, description="The run in full.")
@blueprint.problem(404, NO_SUCH_RUN)
def run(run_id: int) -> Any:
    """Get a run"""
    return queries.get(run_id, current_user_id())


@blueprint.get("/runs/<run_id:run_id>/companies")
@blueprint.arguments(RunCompaniesQuerySchema, location="query")
@blueprint.response(
    200,
    RunCompaniesSchema,
    description="A page of the run's companies: the failed ones first, then by position.",
    example=examples.RUN_COMPANIES,
)
@blueprint.problem(404, NO_SUCH_RUN)
def run_companies(query: dict[str, Any], run_id: int) -> Any:
    """List a run's companies"""
    page, after, revision = company_queries.page(run_id, current_user_id(), **query)
    return {"companies": page, "next": encode_cursor(after), "revision": revision}


@blueprint.get("/runs/<run_id:run_id>/events")
@blueprint.arguments(EventsQuerySchema, location="query")
@blueprint.response(200, EventsSchema, description="The changes of the run's status, oldest first.")
@blueprint.problem(404, NO_SUCH_RUN)
def run_events(query: dict[str, Any], run_id: int) -> Any:
    """Get a run's timeline"""
    return {"events": queries.events(run_id, current_user_id(), query["after"])}


@blueprint.post("/runs/<run_id:run_id>/closings")
@blueprint.arguments(AnswerSchema, description="True if the jobs are to expire.")
@blueprint.response(200, AnsweredClosingsSchema, description="The question with its answer.")
@blueprint.problem(404, NO_SUCH_RUN)
@blueprint.problem(409, "The run asks nothing that is still open, or a run is active.", ClosingsRefusedProblemSchema)
def answer_closings(body: dict[str, Any], run_id: int) -> Any:
    """Answer a run's question about jobs to expire"""
    return {"closings": closings.answer(current_user_id(), run_id, body["expire"])}


@blueprint.get("/runs")
@blueprint.arguments(RunsQuerySchema, location="query")
@blueprint.response(200, RunsPageSchema, description="A page of runs, newest first.")
def runs_page(query: dict[str, Any]) -> Any:
    """List the runs"""
    page, next_before = queries.newest(current_user_id(), **query)
    return {"runs": page, "next_before": next_before}


def _key() -> str | None:
    return parse_key(request.headers.get(HEADER))


def _started(run_id: int, is_new: bool) -> Any:
    headers = {"Location": url_for(".run", run_id=run_id)} | ({} if is_new else {"Idempotency-Replayed": "true"})
    return {"run_id": run_id}, 201 if is_new else 200, headers
