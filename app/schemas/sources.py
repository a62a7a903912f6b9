"""What goes over the wire about systems and the boards that are found in them."""

from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.schemas.companies import MAX_BOARD_LENGTH
from app.schemas.fields import PlainText
from app.sources.adapters.registry import SOURCES

MAX_URL_LENGTH = 2000


class SourceSchema(Schema):
    """An applicant tracking system whose boards can be read."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    documentation = fields.String(required=True, metadata={"description": "Where its interface is described."})
    policy = fields.String(required=True, metadata={"description": "On what grounds it is read."})
    example = fields.String(required=True, metadata={"description": "What a board's address looks like."})
    board_hint = fields.String(required=True, metadata={"description": "Where a person finds a board's name."})


class SuggestedCompanySchema(Schema):
    """A well-known board to begin with."""

    source = fields.String(required=True)
    board = fields.String(required=True)
    name = fields.String(required=True)


class SourcesSchema(Schema):
    """The systems, and boards to begin with."""

    sources = fields.List(fields.Nested(SourceSchema), required=True)
    starters = fields.List(fields.Nested(SuggestedCompanySchema), required=True)


class DetectSchema(Schema):
    """What a person knows of a board: an address that leads to it, or its system and its name there."""

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
        metadata={"description": "A board, one of its postings, or a careers page that points to it."},
    )
    source = fields.String(
        validate=validate.OneOf(list(SOURCES), error="There is no such source."),
        metadata={"description": "In place of `url`: the key of a source, with `board`."},
    )
    board = PlainText(validate=validate.Length(1, MAX_BOARD_LENGTH))

    @validates_schema
    def _one_of_both(self, given: dict[str, Any], **_: Any) -> None:
        if set(given) not in ({"url"}, {"source", "board"}):
            raise ValidationError("Give either url, or source and board.")


class DetectedSchema(Schema):
    """A board that was found and listed."""

    source = fields.String(required=True)
    source_name = fields.String(required=True)
    board = fields.String(required=True)
    name = fields.String(
        required=True, allow_none=True, metadata={"description": "The company's, as the board reports it, if it does."}
    )
    url = fields.String(required=True, metadata={"description": "Where a person looks at the board."})
    postings = fields.Integer(required=True)
    is_complete = fields.Boolean(required=True, metadata={"description": "Whether these are all that there are."})
    titles = fields.List(fields.String(), required=True, metadata={"description": "Up to three."})
    company_id = fields.Integer(required=True, allow_none=True, metadata={"description": "If it was saved before."})
    note = fields.String(required=True, allow_none=True, metadata={"description": "What to know before saving it."})
