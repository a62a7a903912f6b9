"""Requests and responses about sources and the detection of boards."""

from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.schemas.companies import SAME_AS, SOURCE_KEY, SameBoardSchema
from app.schemas.fields import PlainText
from app.sources.adapters.registry import SOURCES
from app.sources.board_token import MAX_BOARD_LENGTH

MAX_URL_LENGTH = 2000


class SourceSchema(Schema):
    """A source: an applicant tracking system, or company websites, whose boards can be read."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    documentation = fields.String(required=True, metadata={"description": "The URL of the source's API documentation."})
    policy = fields.String(required=True, metadata={"description": "The grounds on which its boards may be read."})
    example = fields.String(required=True, metadata={"description": "An example of a board's URL."})
    board_hint = fields.String(required=True, metadata={"description": "A hint on where to find a board's name."})
    is_on = fields.Boolean(
        required=True, metadata={"description": "False if the operator has switched off reading it on this server."}
    )


class SuggestedCompanySchema(Schema):
    """A well-known company to start with."""

    source = fields.String(required=True)
    board = fields.String(required=True)
    name = fields.String(required=True)


class SourcesSchema(Schema):
    """The sources, and companies to start with."""

    sources = fields.List(fields.Nested(SourceSchema), required=True)
    starters = fields.List(fields.Nested(SuggestedCompanySchema), required=True)


class DetectSchema(Schema):
    """The board to find: a URL that leads to it, or its source and its name there."""

    DOCUMENTED: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["url"], "maxProperties": 1},
            {"required": ["source", "board"], "maxProperties": 2},
        ]
    }

    class Meta:
        unknown = RAISE

    url = PlainText(
        validate=validate.Length(1, MAX_URL_LENGTH),
        metadata={"description": "The URL of a board, of one of its postings, or of a careers page that links to it."},
    )
    source = fields.String(
        validate=validate.OneOf(list(SOURCES), error="There is no such source."),
        metadata={"description": f"{SOURCE_KEY} With `board`, in place of `url`."},
    )
    board = PlainText(validate=validate.Length(1, MAX_BOARD_LENGTH))

    @validates_schema
    def _require_url_or_board(self, body: dict[str, Any], **_: Any) -> None:
        if set(body) not in ({"url"}, {"source", "board"}):
            raise ValidationError("Send either url, or source and board.")


class DetectedSchema(Schema):
    """A board that was found and read."""

    source = fields.String(required=True)
    source_name = fields.String(required=True)
    board = fields.String(required=True)
    name = fields.String(
        required=True, allow_none=True, metadata={"description": "The company's name, if the board states it."}
    )
    url = fields.String(required=True, metadata={"description": "The board's web page."})
    postings = fields.Integer(required=True, metadata={"description": "The number of postings read."})
    is_complete = fields.Boolean(
        required=True, metadata={"description": "True if these are all postings of the board."}
    )
    titles = fields.List(fields.String(), required=True, metadata={"description": "Up to three titles of postings."})
    company_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The user's company with this board, if any."}
    )
    same_as = fields.Nested(SameBoardSchema, required=True, allow_none=True, metadata={"description": SAME_AS})
    note = fields.String(required=True, allow_none=True, metadata={"description": "A remark to read before saving."})
