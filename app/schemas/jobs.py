"""Requests and responses about jobs."""

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.models import MAX_RUN_ID, JobEventKind, JobStatus
from app.schemas.cursors import NEXT, Cursor
from app.schemas.fields import PlainText, QueryInteger

JOB_STATES = ("open", "missing", "gone", "unfollowed")
SORTS = ("newest", "oldest", "title", "company")
STATE = (
    "`open`: its board offers it. `missing`: its board offers it no more, which no run has noted yet. `gone`: a run"
    " noted that it is gone. `unfollowed`: none of the user's enabled companies has its board."
)


def _only(description: str, *validators: Any) -> PlainText:
    return PlainText(
        load_default=None, allow_none=False, validate=[*validators], metadata={"description": description}
    )


class JobsQuerySchema(Schema):
    """A page of the jobs, with filters."""

    class Meta:
        unknown = RAISE

    company = _only("Only jobs with this `company`.", validate.Length(1, 100))
    source = _only("Only jobs of this source, by its key.", validate.Length(1, 40))
    run = QueryInteger(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_RUN_ID),
        metadata={"description": "Only jobs that this run found, changed, found again or noted as gone."},
    )
    state = _only("Only jobs in this state.", validate.OneOf(JOB_STATES))
    q = _only(
        "Words in the title: all of them, also as parts of words; case and accents do not matter.",
        validate.Length(1, 200),
    )
    sort = fields.String(
        load_default="newest",
        validate=validate.OneOf(SORTS),
        metadata={"description": "`newest` and `oldest`: in the order in which runs found them."},
    )
    after = Cursor(str, str, int)
    limit = QueryInteger(load_default=50, validate=validate.Range(1, 100), metadata={"description": "Jobs per page."})

    @validates_schema
    def _check_cursor(self, query: dict[str, Any], **_: Any) -> None:
        if query["after"] and query["after"][0] != query["sort"]:
            raise ValidationError({"after": ["Is the `next` of a page with another `sort`."]})


class SalarySchema(Schema):
    """Pay as the board states it."""

    min = fields.Float(required=True, allow_none=True)
    max = fields.Float(required=True, allow_none=True)
    currency = fields.String(required=True, allow_none=True)
    interval = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)


SALARY_MEMBERS = tuple(SalarySchema().fields)


class JobSchema(Schema):
    """A job in a list."""

    job_id = fields.Integer(required=True, attribute="id")
    company = fields.String(required=True, metadata={"description": "The key of its board, for the filter `company`."})
    company_name = fields.String(
        required=True, allow_none=True, metadata={"description": "The user's name for the company."}
    )
    external_id = fields.String(required=True)
    title = fields.String(required=True, allow_none=True)
    locations = fields.List(fields.String(), required=True)
    workplace = fields.String(
        required=True, allow_none=True, metadata={"description": "`remote`, `hybrid` or `on_site`. Null: not stated."}
    )
    employment_type = fields.String(required=True, allow_none=True)
    salary = fields.Nested(
        SalarySchema, required=True, allow_none=True, attribute="pay", metadata={"description": "Null: not stated."}
    )
    posted_on = fields.Date(
        required=True,
        allow_none=True,
        attribute="posted_at",
        metadata={"description": "The day that the board states. Null: not stated."},
    )
    found_at = fields.AwareDateTime(
        required=True, allow_none=True, attribute="created_at", metadata={"description": "The time a run found it."}
    )
    at_least_since = fields.Boolean(
        required=True,
        attribute="is_baseline",
        metadata={"description": "True if the job may be much older than `found_at`."},
    )
    state = fields.String(required=True, validate=validate.OneOf(JOB_STATES), metadata={"description": STATE})
    status = fields.Enum(
        JobStatus,
        by_value=True,
        required=True,
        metadata={"type": "string", "description": "What runs did with it: `ready`, or `expired` if it is gone."},
    )
    missing_since = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "The first reading of its board that lacked it. Null: the board offers it."},
    )
    gone_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        attribute="expired_at",
        metadata={"description": "The time a run noted that it is gone."},
    )
    url = fields.String(required=True)
    run_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The run that changed it last."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Complete ``pay``, of which a board may state only some members."""
        value = super().get_attribute(obj, attr, default)
        return {name: value.get(name) for name in SALARY_MEMBERS} if attr == "pay" and value else value


class JobsPageSchema(Schema):
    """A page of jobs."""

    jobs = fields.List(fields.Nested(JobSchema), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": NEXT})


class JobRuleSchema(Schema):
    """The rule by which a job's title matches the company's present filters or does not."""

    kind = fields.String(
        required=True, validate=validate.OneOf(["no_filter", "include", "exclude", "not_included"])
    )
    term = fields.String(
        required=True, allow_none=True, metadata={"description": "The term that decided, if any."}
    )


class JobEventSchema(Schema):
    """A change of a job by a run, or by an answer to its question."""

    event_id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    kind = fields.Enum(JobEventKind, by_value=True, required=True, metadata={"type": "string"})
    fields_ = fields.List(
        fields.String(),
        required=True,
        attribute="fields",
        data_key="fields",
        metadata={"description": "The fields that changed."},
    )
    listing_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The reading of the board that it follows from."}
    )


class WholeJobSchema(JobSchema):
    """A job with its texts and its history."""

    description = fields.String(required=True, allow_none=True)
    requirements = fields.String(required=True, allow_none=True)
    text = fields.String(
        required=True,
        validate=validate.OneOf(["ready", "pending"]),
        metadata={"description": "`pending`: its texts have not been read yet."},
    )
    rule = fields.Nested(
        JobRuleSchema,
        required=True,
        allow_none=True,
        metadata={"description": "By the company's present filters. Null: the user has the company no more."},
    )
    history = fields.List(
        fields.Nested(JobEventSchema), required=True, metadata={"description": "Its changes, the newest last."}
    )
