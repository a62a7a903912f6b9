"""Previews over HTTP."""

from typing import Any

from flask import url_for

from app.api.auth.current_user import authenticate, current_user_id
from app.api.http.blueprint import ApiBlueprint
from app.api.http.large_json import large_json
from app.api.http.openapi import header
from app.schemas.previews import (
    LatestPreviewSchema,
    PostingsPageSchema,
    PostingsQuerySchema,
    PreviewIdSchema,
    PreviewOptionsSchema,
    PreviewSchema,
    WholePostingSchema,
    dump_company,
)
from app.services.previews import lifecycle, postings

blueprint = ApiBlueprint(
    "previews",
    __name__,
    guards=[authenticate],
    url_prefix="/api/ingestion/dry-run",
    description="Previews: the postings that a run would ingest, with the reason for each.",
)

NO_SUCH_PREVIEW = "There is no such preview of this user."
LOCATION = header("Location", "The URL of the preview.")


@blueprint.post("")
@blueprint.arguments(PreviewOptionsSchema, required=False, description="Nothing, or options.")
@blueprint.response(201, PreviewIdSchema, description="A preview is under way.", headers=LOCATION)
@blueprint.alt_response(
    200, schema=PreviewIdSchema, description="Such a preview was already under way.", headers=LOCATION,
    success=True,
)
@blueprint.problem(409, "No company is enabled (`no_companies`).")
def begin_preview(options: dict[str, Any]) -> Any:
    """Preview the postings that a run would ingest"""
    preview_id, is_new = lifecycle.begin_preview(current_user_id(), **options)
    location = {"Location": url_for(".show_preview", preview_id=preview_id)}
    return {"preview_id": preview_id}, 201 if is_new else 200, location


@blueprint.get("")
@blueprint.response(200, LatestPreviewSchema, description="The latest preview's id, or null.")
def latest_preview() -> Any:
    """Get the latest preview's id"""
    return {"preview_id": lifecycle.latest(current_user_id())}


@blueprint.get("/<preview_id:preview_id>")
@blueprint.response(200, PreviewSchema, description="The preview's companies and its progress.")
@blueprint.problem(404, NO_SUCH_PREVIEW)
@blueprint.large_response
def show_preview(preview_id: int) -> Any:
    """Get a preview"""
    preview = lifecycle.get(preview_id, current_user_id())
    members = PreviewSchema(exclude=["companies"]).dump(preview)
    return large_json(members, "companies", preview["companies"], dump_company)


@blueprint.get("/<preview_id:preview_id>/postings")
@blueprint.large_response
@blueprint.arguments(PostingsQuerySchema, location="query")
@blueprint.response(200, PostingsPageSchema, description="A page of postings, without their texts.")
@blueprint.problem(404, NO_SUCH_PREVIEW)
def preview_postings_page(query: dict[str, Any], preview_id: int) -> Any:
    """List a preview's postings"""
    page, next_after = postings.page(preview_id, current_user_id(), **query)
    return {"postings": page, "next_after": next_after}


@blueprint.get("/<preview_id:preview_id>/postings/<posting_id:posting_id>")
@blueprint.response(200, WholePostingSchema, description="The posting with its texts.")
@blueprint.problem(404, "There is no such preview of this user, or no such posting in it.")
def preview_posting(preview_id: int, posting_id: int) -> Any:
    """Get a posting of a preview"""
    return postings.get(preview_id, posting_id, current_user_id())
