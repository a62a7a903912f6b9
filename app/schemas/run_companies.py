"""Requests and responses about the companies of a run."""

from marshmallow import RAISE, Schema, fields, validate

from app.models import Outcome, ReadingState
from app.schemas.cursors import NEXT, Cursor
from app.schemas.fields import QueryInteger
from app.schemas.source_links import BOARD_URL, board_url, display_name

SHOWN_STATES = ("waiting", "reading", "read", "taken_in", "failed")


def _number(column: str | None, description: str) -> fields.Integer:
    return fields.Integer(required=True, allow_none=True, attribute=column, metadata={"description": description})


class RunCompaniesQuerySchema(Schema):
    """A page of a run's companies."""

    class Meta:
        unknown = RAISE

    state = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(SHOWN_STATES),
        metadata={"description": "Only companies in this state."},
    )
    after = Cursor(int, int)
    limit = QueryInteger(
        load_default=100, validate=validate.Range(1, 100), metadata={"description": "Companies per page."}
    )


class RunCompanySchema(Schema):
    """A company of a run as the start froze it, and its result."""

    position = fields.Integer(required=True)
    company_id = fields.Integer(
        required=True, metadata={"description": "The user's company, which may have been removed since."}
    )
    source = fields.String(required=True)
    source_name = fields.Function(lambda unit: display_name(unit.source), required=True, metadata={"type": "string"})
    board = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.Function(
        lambda unit: board_url(unit.source, unit.board),
        required=True,
        metadata={"type": ["string", "null"], "description": BOARD_URL},
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf(SHOWN_STATES),
        metadata={"description": "`reading`: it waits, and its board is being read."},
    )
    outcome = fields.Enum(
        Outcome,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"type": "string", "description": "Null until the board is read or has failed."},
    )
    detail = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A sentence about the failure, or about what was not read. Otherwise null."},
    )
    retry_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The time to try again, if the source names one."}
    )
    listing = fields.Enum(
        ReadingState,
        by_value=True,
        required=True,
        allow_none=True,
        attribute="listing_state",
        metadata={"type": "string", "description": "The class of the reading that it was decided on."},
    )
    read_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The end of that reading."}
    )
    found = _number(None, "The postings of the board. Null until they are known.")
    unparsed = _number(None, "The records of the board that could not be read.")
    matched = _number(None, "The postings that match the filters: new, changed, reopened and unchanged ones.")
    new = _number("new_jobs", "New jobs so far.")
    changed = _number("changed_jobs", "Changed jobs so far.")
    reopened = _number("reopened_jobs", "Jobs so far that were gone and are back.")
    unchanged = _number("unchanged_jobs", "Unchanged jobs. Null until all are up to date.")
    expired = _number("expired_jobs", "Jobs that are gone. Null until they are counted.")
    failed = fields.Function(
        lambda unit: unit.unparsed,
        required=True,
        metadata={"type": ["integer", "null"], "description": "The same as `unparsed`, named as in a run's counts."},
    )
    held = _number("held_closings", "Jobs that may be gone, and were left to the run's question.")
    previewed = _number(None, "The postings that matched in the preview. Null: the preview had not listed it.")


class RunCompaniesSchema(Schema):
    """A page of a run's companies: the failed ones first, then by position."""

    companies = fields.List(fields.Nested(RunCompanySchema), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": NEXT})
    revision = fields.Integer(required=True, metadata={"description": "The revision of the run that this shows."})
