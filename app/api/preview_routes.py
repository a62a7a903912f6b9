"""Previews over HTTP: load, call, dump."""

from typing import Any

from flask import url_for

from app.api.auth.current_user import current_user_id, identify_user
from app.api.http.openapi import BAD_BODY, BAD_JSON, BAD_QUERY, NO_SUCH_PREVIEW, SIGNED_IN, ApiBlueprint, Problems
from app.schemas.previews import (
    LatestPreviewSchema,
    PostingsPageSchema,
    PostingsQuerySchema,
    PreviewIdSchema,
    PreviewOptionsSchema,
    PreviewSchema,
    WholePostingSchema,
)
from app.schemas.problems import ProblemSchema
from app.services.previews import lifecycle, postings

blueprint = ApiBlueprint(
    "previews",
    __name__,
    guards=[identify_user],
    url_prefix="/api/ingestion/dry-run",
    description="What a run would take in, and why.",
)

NO_SUCH_POSTING: Problems = {404: ("There is no such preview of this user, or no such posting in it.", ProblemSchema)}
NO_COMPANIES: Problems = {409: ("No company is switched on.", ProblemSchema)}
LOCATION = {"Location": {"description": "The address of the preview.", "schema": {"type": "string"}}}


@blueprint.post("")
@blueprint.arguments(PreviewOptionsSchema, required=False, description="Nothing, or an empty object.")
@blueprint.response(201, PreviewIdSchema, description="A preview is begun.", headers=LOCATION)
@blueprint.alt_response(
    200, schema=PreviewIdSchema, description="One with these settings is under way.", headers=LOCATION, success=True
)
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NO_COMPANIES)
def begin_preview(_options: dict[str, Any]) -> Any:
    """Preview what a run would take in"""
    preview_id, is_new = lifecycle.begin_preview(current_user_id())
    location = {"Location": url_for(".show_preview", preview_id=preview_id)}
    return {"preview_id": preview_id}, 201 if is_new else 200, location


@blueprint.get("")
@blueprint.response(200, LatestPreviewSchema, description="The latest preview's id, or null.")
@blueprint.problems(SIGNED_IN)
def latest_preview() -> Any:
    """Find the latest preview"""
    return {"preview_id": lifecycle.latest(current_user_id())}


@blueprint.get("/<preview_id:preview_id>")
@blueprint.response(200, PreviewSchema, description="Its companies, and how far it is.")
@blueprint.problems(SIGNED_IN, NO_SUCH_PREVIEW)
def show_preview(preview_id: int) -> Any:
    """Look at a preview"""
    return lifecycle.get(preview_id, current_user_id())


@blueprint.get("/<preview_id:preview_id>/postings")
@blueprint.arguments(PostingsQuerySchema, location="query")
@blueprint.response(200, PostingsPageSchema, description="Without their texts.")
@blueprint.problems(SIGNED_IN, NO_SUCH_PREVIEW, BAD_QUERY)
def preview_postings_page(query: dict[str, Any], preview_id: int) -> Any:
    """List a preview's postings"""
    page, next_after = postings.page(preview_id, current_user_id(), **query)
    return {"postings": page, "next_after": next_after}


@blueprint.get("/<preview_id:preview_id>/postings/<posting_id:posting_id>")
@blueprint.response(200, WholePostingSchema, description="The posting with its texts.")
@blueprint.problems(SIGNED_IN, NO_SUCH_POSTING)
def preview_posting(preview_id: int, posting_id: int) -> Any:
    """Read a posting of a preview"""
    return postings.get(preview_id, posting_id, current_user_id())
