"""The systems, and looking at a board before it is saved."""

from typing import Any

from app.api.auth.current_user import current_user_id, identify_user
from app.api.auth.rate_limits import limits_detection
from app.api.http.openapi import BAD_BODY, BAD_JSON, SIGNED_IN, ApiBlueprint, Problems
from app.schemas.problems import NothingDetectedProblemSchema, ProblemSchema
from app.schemas.sources import DetectedSchema, DetectSchema, SourcesSchema
from app.services.companies import detect
from app.sources.adapters.registry import SOURCES, suggested_companies

blueprint = ApiBlueprint(
    "sources", __name__, guards=[identify_user], url_prefix="/api/ingestion", description="Where postings come from."
)

NOT_DETECTED: Problems = {
    422: (
        "A field is unknown or not valid (`invalid_input`); or no board was found, or it could not be looked at:"
        " `address_refused`, `board_not_recognised`, `several_boards`, `board_not_found`, `board_gone`,"
        " `board_forbidden`, `board_throttled`, `board_changed`, `board_unreachable`, `board_moved`,"
        " `board_out_of_time`.",
        NothingDetectedProblemSchema,
    )
}
TOO_OFTEN: Problems = {429: ("Boards were looked for too often; Retry-After says how long to wait.", ProblemSchema)}
BUSY: Problems = {
    503: (
        "PostgreSQL is away; or too many boards are looked at right now (`detect_busy`), or Redis is away"
        " (`detect_unavailable`).",
        ProblemSchema,
    )
}


@blueprint.get("/sources")
@blueprint.response(200, SourcesSchema, description="In the order to show them in.")
@blueprint.problems(SIGNED_IN)
def list_sources() -> Any:
    """List the systems that can be read"""
    return {"sources": list(SOURCES.values()), "starters": suggested_companies()}


@blueprint.post("/companies/detect")
@limits_detection
@blueprint.arguments(DetectSchema)
@blueprint.response(200, DetectedSchema, description="The board was found and listed; nothing was saved.")
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NOT_DETECTED, TOO_OFTEN, BUSY)
def detect_board(given: dict[str, Any]) -> Any:
    """Find the board of a company; takes up to a minute"""
    return detect.detect(current_user_id(), **given)
