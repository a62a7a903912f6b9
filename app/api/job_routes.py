"""Jobs over HTTP."""

from typing import Any

from app.api.auth.current_user import authenticate, current_user_id
from app.api.http.blueprint import ApiBlueprint
from app.schemas import examples
from app.schemas.cursors import encode_cursor
from app.schemas.jobs import JobsPageSchema, JobsQuerySchema, WholeJobSchema
from app.services.jobs import queries

blueprint = ApiBlueprint(
    "jobs",
    __name__,
    guards=[authenticate],
    url_prefix="/api/ingestion/jobs",
    description="Jobs: the postings that the user's runs brought.",
)


@blueprint.get("")
@blueprint.arguments(JobsQuerySchema, location="query")
@blueprint.response(
    200, JobsPageSchema, description="A page of jobs, without their texts.", example=examples.JOBS_PAGE
)
def list_jobs(query: dict[str, Any]) -> Any:
    """List the jobs"""
    cursor = query.pop("after")
    page, after = queries.page(current_user_id(), **query, after=cursor and cursor[1:])
    return {"jobs": page, "next": encode_cursor(after and (query["sort"], *after))}


@blueprint.get("/<job_id:job_id>")
@blueprint.response(
    200, WholeJobSchema, description="The job with its texts and its history.", example=examples.WHOLE_JOB
)
@blueprint.problem(404, "There is no such job of this user (`job_not_found`).")
def show_job(job_id: int) -> Any:
    """Get a job"""
    job, rule = queries.get(job_id, current_user_id())
    text = "ready" if job.description or job.requirements else "pending"
    return {**job._mapping, "text": text, "rule": rule, "history": queries.history(job_id)}
