"""Sources, and the detection of boards, over HTTP."""

from typing import Any

from app.api.auth.current_user import authenticate, current_user_id
from app.api.auth.rate_limits import limit_detections
from app.api.http.blueprint import ApiBlueprint
from app.schemas.problems import NothingDetectedProblemSchema
from app.schemas.sources import DetectedSchema, DetectSchema, SourcesSchema
from app.services.boards import switches
from app.services.companies import detect
from app.sources.adapters.registry import SOURCES, suggested_companies

blueprint = ApiBlueprint(
    "sources",
    __name__,
    guards=[authenticate],
    url_prefix="/api/ingestion",
    description="The job board systems and websites that can be read.",
)

NOT_DETECTED = (
    "No board was found, or it could not be read: `address_refused`, `board_not_recognised`, `several_boards`,"
    " `board_not_found`, `board_gone`, `board_forbidden`, `board_throttled`, `board_changed`, `board_unreachable`,"
    " `board_moved`, `board_out_of_time`. Or the operator has switched off the source (`source_off`)."
)
TOO_MANY_DETECTIONS = (
    "Too many detections in a minute (`too_many_requests`), or two of this user are in progress"
    " (`too_many_detections`); Retry-After says how long to wait."
)
NO_DETECTION = "Too many boards are being checked (`detect_busy`), or Redis is unavailable (`detect_unavailable`)."


@blueprint.get("/sources")
@blueprint.response(200, SourcesSchema, description="The sources in display order.")
def list_sources() -> Any:
    """List the sources, and some companies to start with"""
    off = switches.switched_off()
    sources = [{**vars(source), "is_on": key not in off} for key, source in SOURCES.items()]
    return {"sources": sources, "starters": suggested_companies()}


@blueprint.post("/companies/detect")
@limit_detections
@blueprint.arguments(DetectSchema)
@blueprint.response(200, DetectedSchema, description="The board was found and read; nothing was saved.")
@blueprint.problem(422, NOT_DETECTED, NothingDetectedProblemSchema)
@blueprint.problem(429, TOO_MANY_DETECTIONS)
@blueprint.problem(503, NO_DETECTION)
def detect_board(body: dict[str, Any]) -> Any:
    """Find a company's board (takes up to a minute)"""
    return detect.detect(current_user_id(), **body)
