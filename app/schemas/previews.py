"""Requests and responses about previews."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.models import Outcome
from app.schemas.fields import PlainText, QueryInteger, StrictBoolean
from app.schemas.source_links import BOARD_URL, board_url, display_name

MAX_ID = 2**63 - 1
MAX_POSITION = 2**31 - 1


class PreviewOptionsSchema(Schema):
    """The options of a preview. An unknown field is refused, because ignoring it would mislead."""

    class Meta:
        unknown = RAISE

    refresh = StrictBoolean(
        load_default=False,
        metadata={"description": "True to use no reading of a board that is older than a minute, instead of 10."},
    )


class PreviewIdSchema(Schema):
    """The id of a preview."""

    preview_id = fields.Integer(required=True)


class LatestPreviewSchema(Schema):
    """The id of the latest preview, or null."""

    preview_id = fields.Integer(required=True, allow_none=True)


class TotalsSchema(Schema):
    """The progress of a preview, and the numbers of its postings."""

    companies = fields.Integer(required=True)
    listed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    waiting = fields.Integer(
        required=True, metadata={"description": "Companies that are neither listed nor failed yet."}
    )
    found = fields.Integer(required=True)
    matched = fields.Integer(required=True, metadata={"description": "Postings that match the filters."})


class PreviewCompanySchema(Schema):
    """A company with its settings at the start of the preview, and the result for its board."""

    position = fields.Integer(required=True)
    company_id = fields.Integer(required=True)
    source = fields.String(required=True)
    source_name = fields.Function(lambda unit: display_name(unit.source), required=True, metadata={"type": "string"})
    board = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.Function(
        lambda unit: board_url(unit.source, unit.board),
        required=True,
        metadata={"type": ["string", "null"], "description": BOARD_URL},
    )
    include = fields.List(fields.String(), required=True)
    exclude_ = fields.List(fields.String(), required=True, attribute="exclude", data_key="exclude")
    state = fields.String(
        required=True,
        validate=validate.OneOf(["waiting", "listing", "listed", "failed"]),
        metadata={"description": "`listing`: the board is being read."},
    )
    outcome = fields.Enum(
        Outcome,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"type": "string", "description": "Null until the board is listed or has failed."},
    )
    detail = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A sentence about the failure, or about what was not read. Otherwise null."},
    )
    retry_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The time to try again, if the source names one."}
    )
    is_complete = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "True if all of the board was read."}
    )
    found = fields.Integer(required=True, allow_none=True)
    matched = fields.Integer(required=True, allow_none=True)
    unparsed = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Records of the board that could not be parsed."}
    )
    listed_at = fields.AwareDateTime(required=True, allow_none=True)


class PreviewCompanies(fields.List):
    """The companies of a preview. They are serialized by hand, because a page may poll a thousand of them each second.

    A test compares the result with that of ``PreviewCompanySchema``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Nested(PreviewCompanySchema), **kwargs)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> list[Any] | None:
        return list(map(dump_company, value))


def dump_company(row: Any) -> dict[str, Any]:
    """Return a company of a preview as JSON values."""
    unit: Mapping[str, Any] = row._mapping
    source, board = unit["source"], unit["board"]
    return {
        **{name: unit[name] for name in ("position", "company_id", "source")},
        "source_name": display_name(source),
        "board": board,
        "name": unit["name"],
        "url": board_url(source, board),
        **{name: unit[name] for name in ("include", "exclude", "state", "outcome", "detail")},
        "retry_at": _time(unit["retry_at"]),
        **{name: unit[name] for name in ("is_complete", "found", "matched", "unparsed")},
        "listed_at": _time(unit["listed_at"]),
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


class PreviewSchema(Schema):
    """A preview without its postings."""

    preview_id = fields.Integer(required=True)
    is_finished = fields.Boolean(
        required=True, metadata={"description": "True if each company is listed or has failed."}
    )
    is_current = fields.Boolean(
        required=True, metadata={"description": "True while the companies and filters are unchanged. A run needs it."}
    )
    settings_hash = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    server_time = fields.AwareDateTime(
        required=True, metadata={"description": "The current time of the server's clock."}
    )
    totals = fields.Nested(TotalsSchema, required=True)
    companies = PreviewCompanies(required=True)


class PostingsQuerySchema(Schema):
    """A page of the postings, with filters."""

    class Meta:
        unknown = RAISE

    company = QueryInteger(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_POSITION),
        metadata={"description": "Only postings of the company at this position."},
    )
    matched = fields.Boolean(
        load_default=None,
        allow_none=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only postings that match the filters (`true`), or only those that do not (`false`)."},
    )
    search = PlainText(
        load_default=None,
        allow_none=False,
        validate=validate.Length(1, 200),
        metadata={"description": "Text in the title, location, department or company's name; case does not matter."},
    )
    after = QueryInteger(
        load_default=0,
        validate=validate.Range(0, MAX_ID),
        metadata={"description": "Only postings after this one: the `next_after` of the previous page."},
    )
    limit = QueryInteger(
        load_default=100, validate=validate.Range(1, 200), metadata={"description": "Postings per page."}
    )


class RuleSchema(Schema):
    """The rule by which a posting matches the filters or does not."""

    kind = fields.String(
        required=True,
        attribute="rule_kind",
        validate=validate.OneOf(["no_filter", "include", "exclude", "not_included"]),
    )
    term = fields.String(
        required=True,
        allow_none=True,
        attribute="rule_term",
        metadata={"description": "The term that decided, if any."},
    )


class PostingSchema(Schema):
    """A posting of a board."""

    posting_id = fields.Integer(required=True)
    position = fields.Integer(required=True, metadata={"description": "The position of the company in the preview."})
    company = fields.String(required=True)
    external_id = fields.String(required=True)
    title = fields.String(required=True)
    location = fields.String(required=True, allow_none=True)
    department = fields.String(required=True, allow_none=True)
    workplace = fields.String(
        required=True, allow_none=True, metadata={"description": "`remote`, `hybrid` or `on_site`. Null: not stated."}
    )
    employment_type = fields.String(required=True, allow_none=True)
    posted_at = fields.AwareDateTime(required=True, allow_none=True)
    updated_at = fields.AwareDateTime(required=True, allow_none=True)
    url = fields.String(required=True)
    matched = fields.Boolean(required=True)
    rule = fields.Nested(RuleSchema, required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Build ``rule`` from columns of the posting's row."""
        return obj if attr == "rule" else super().get_attribute(obj, attr, default)


class PostingsPageSchema(Schema):
    """A page of postings, in the order of their ids."""

    postings = fields.List(fields.Nested(PostingSchema), required=True)
    next_after = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The `after` of the next page. Null on the last page."}
    )


class WholePostingSchema(PostingSchema):
    """A posting with its texts."""

    description = fields.String(required=True, allow_none=True)
    requirements = fields.String(required=True, allow_none=True)
