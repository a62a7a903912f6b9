"""What goes over the wire about previews; loading and dumping apart, no queries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.models import ListingState, Outcome
from app.schemas.fields import PlainText, WholeNumber
from app.schemas.source_links import URL, name_of, page_of

MAX_ID = 2**63 - 1
MAX_POSITION = 2**31 - 1


class PreviewOptionsSchema(Schema):
    """What a preview may be asked for with: so far nothing, and an unknown field is refused rather than ignored."""

    class Meta:
        unknown = RAISE


class PreviewIdSchema(Schema):
    """The id of a preview."""

    preview_id = fields.Integer(required=True)


class LatestPreviewSchema(Schema):
    """The id of the latest preview, or null."""

    preview_id = fields.Integer(required=True, allow_none=True)


class TotalsSchema(Schema):
    """How far a preview is, and what it found."""

    companies = fields.Integer(required=True)
    listed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "Neither listed nor failed so far."})
    found = fields.Integer(required=True)
    taken = fields.Integer(required=True, metadata={"description": "Those of the postings that the filters take."})


class PreviewCompanySchema(Schema):
    """A company as its settings were when the preview was asked for, and what became of its board."""

    position = fields.Integer(required=True)
    company_id = fields.Integer(required=True)
    source = fields.String(required=True)
    source_name = fields.Function(lambda unit: name_of(unit.source), required=True, metadata={"type": "string"})
    board = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.Function(
        lambda unit: page_of(unit.source, unit.board),
        required=True,
        metadata={"type": ["string", "null"], "description": URL},
    )
    include = fields.List(fields.String(), required=True)
    exclude_ = fields.List(fields.String(), required=True, attribute="exclude", data_key="exclude")
    state = fields.Enum(ListingState, by_value=True, required=True, metadata={"type": "string"})
    outcome = fields.Enum(
        Outcome,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"type": "string", "description": "Null until it is listed or failed."},
    )
    detail = fields.String(required=True, allow_none=True, metadata={"description": "A sentence, if it failed."})
    retry_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "From when on the source would answer, if it said so."}
    )
    is_complete = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether the board was read to its end."}
    )
    found = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True, allow_none=True)
    unread = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Records of the board that could not be read."}
    )
    listed_at = fields.AwareDateTime(required=True, allow_none=True)


class PreviewCompanies(fields.List):
    """The companies of a preview, written by hand: a page asks for a thousand of them every second.

    A test holds it against ``PreviewCompanySchema``, which says what they look like.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Nested(PreviewCompanySchema), **kwargs)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> list[Any] | None:
        return [_written(unit._mapping) for unit in value]


def _written(unit: Mapping[str, Any]) -> dict[str, Any]:
    source, board = unit["source"], unit["board"]
    return {
        **{name: unit[name] for name in ("position", "company_id", "source")},
        "source_name": name_of(source),
        "board": board,
        "name": unit["name"],
        "url": page_of(source, board),
        **{name: unit[name] for name in ("include", "exclude", "state", "outcome", "detail")},
        "retry_at": _time(unit["retry_at"]),
        **{name: unit[name] for name in ("is_complete", "found", "taken", "unread")},
        "listed_at": _time(unit["listed_at"]),
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


class PreviewSchema(Schema):
    """A preview in full, but for its postings."""

    preview_id = fields.Integer(required=True)
    is_finished = fields.Boolean(required=True, metadata={"description": "Each company is listed or failed."})
    is_current = fields.Boolean(
        required=True, metadata={"description": "Companies and filters are the same as then; only so can a run start."}
    )
    settings_hash = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    server_time = fields.AwareDateTime(required=True, metadata={"description": "The clock that the times are from."})
    totals = fields.Nested(TotalsSchema, required=True)
    companies = PreviewCompanies(required=True)


class PostingsQuerySchema(Schema):
    """Which page of which postings is wanted."""

    class Meta:
        unknown = RAISE

    company = WholeNumber(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_POSITION),
        metadata={"description": "Only those of the company at this position."},
    )
    taken = fields.Boolean(
        load_default=None,
        allow_none=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only those that the filters take, or only those that they do not."},
    )
    search = PlainText(
        load_default=None,
        allow_none=False,
        validate=validate.Length(1, 200),
        metadata={"description": "Part of a title, location, department or company's name, whatever its case."},
    )
    after = WholeNumber(
        load_default=0,
        validate=validate.Range(0, MAX_ID),
        metadata={"description": "Only postings behind this one: the `next_after` of the page before."},
    )
    limit = WholeNumber(load_default=100, validate=validate.Range(1, 200), metadata={"description": "Postings a page."})


class RuleSchema(Schema):
    """Why a posting is taken or not."""

    kind = fields.String(
        required=True,
        attribute="rule_kind",
        validate=validate.OneOf(["no_filter", "include", "exclude", "not_included"]),
    )
    term = fields.String(
        required=True,
        allow_none=True,
        attribute="rule_term",
        metadata={"description": "The term that decided, where one did."},
    )


class PostingSchema(Schema):
    """A posting that a board offers."""

    posting_id = fields.Integer(required=True)
    position = fields.Integer(required=True, metadata={"description": "Which company of the preview."})
    company = fields.String(required=True)
    external_id = fields.String(required=True)
    title = fields.String(required=True)
    location = fields.String(required=True, allow_none=True)
    department = fields.String(required=True, allow_none=True)
    workplace = fields.String(
        required=True, allow_none=True, metadata={"description": "`remote`, `hybrid`, `on_site`, or null: not said."}
    )
    employment_type = fields.String(required=True, allow_none=True)
    posted_at = fields.AwareDateTime(required=True, allow_none=True)
    updated_at = fields.AwareDateTime(required=True, allow_none=True)
    url = fields.String(required=True)
    taken = fields.Boolean(required=True)
    rule = fields.Nested(RuleSchema, required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """The rule is two columns of the posting's row."""
        return obj if attr == "rule" else super().get_attribute(obj, attr, default)


class PostingsPageSchema(Schema):
    """A page of postings, in the order in which they were read."""

    postings = fields.List(fields.Nested(PostingSchema), required=True)
    next_after = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The `after` of the next page; null on the last."}
    )


class WholePostingSchema(PostingSchema):
    """A posting with its texts."""

    description = fields.String(required=True, allow_none=True)
    requirements = fields.String(required=True, allow_none=True)
