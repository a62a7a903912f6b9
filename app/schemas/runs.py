"""What goes over the wire about runs; loading and dumping apart, no queries."""

from marshmallow import RAISE, Schema, fields, validate

from app.models import MAX_RUN_ID, RunStatus
from app.schemas.fields import JsonInteger, WholeNumber


class StartSchema(Schema):
    """What a start may say; an unknown field is refused rather than ignored."""

    class Meta:
        unknown = RAISE

    preview_id = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "Only if this preview is finished and still true; null or left out: unseen."},
    )


class RunsQuerySchema(Schema):
    """Which page of the runs is wanted."""

    class Meta:
        unknown = RAISE

    limit = WholeNumber(load_default=20, validate=validate.Range(1, 100), metadata={"description": "Runs a page."})
    before = WholeNumber(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_RUN_ID),
        metadata={"description": "Only runs older than this one: the `next_before` of the page before."},
    )
    status = fields.Enum(
        RunStatus,
        by_value=True,
        load_default=None,
        allow_none=False,
        metadata={"type": "string", "description": "Only runs in this status."},
    )


class EventsQuerySchema(Schema):
    """From where on the timeline is wanted."""

    class Meta:
        unknown = RAISE

    after = WholeNumber(
        load_default=0,
        validate=validate.Range(0, MAX_RUN_ID),
        metadata={"description": "Only events behind this sequence number."},
    )


class RunIdSchema(Schema):
    """The id of a run that was started."""

    run_id = fields.Integer(required=True)


class CurrentRunSchema(Schema):
    """The id of the active run, or null."""

    run_id = fields.Integer(required=True, allow_none=True)


class AbortedSchema(Schema):
    """The run is aborted, now or already before."""

    success = fields.Boolean(required=True)
    message = fields.String(required=True)


class RunSchema(Schema):
    """A run in full."""

    run_id = fields.Integer(required=True, attribute="id")
    status = fields.Enum(RunStatus, by_value=True, required=True, metadata={"type": "string"})
    is_active = fields.Function(
        lambda run: run.status.is_active,
        required=True,
        metadata={"type": "boolean", "description": "Whether the run may still change."},
    )
    can_abort = fields.Function(
        lambda run: run.status in RunStatus.ABORTED.sources,
        required=True,
        metadata={"type": "boolean", "description": "Whether an abort would end it."},
    )
    total_jobs = fields.Integer(required=True, allow_none=True, metadata={"description": "Postings to take in."})
    jobs_ready = fields.Integer(required=True, allow_none=True, metadata={"description": "Null before the end."})
    jobs_skipped = fields.Integer(required=True, allow_none=True)
    jobs_expired = fields.Integer(required=True, allow_none=True)
    jobs_failed = fields.Integer(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    dispatched_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When a message for a worker was last handed to the broker; null: not yet."},
    )
    error_message = fields.String(required=True, allow_none=True)
    preview_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The preview it was started from; null: none, or one that is gone."},
    )
    server_time = fields.AwareDateTime(required=True, metadata={"description": "The clock that the times are from."})


class RunsPageSchema(Schema):
    """A page of runs, newest first."""

    runs = fields.List(fields.Nested(RunSchema), required=True)
    next_before = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The `before` of the next page; null on the last."}
    )


class EventSchema(Schema):
    """One change of a run's status."""

    seq = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    from_ = fields.Enum(
        RunStatus,
        by_value=True,
        required=True,
        allow_none=True,
        attribute="from_status",
        data_key="from",
        metadata={"type": ["string", "null"], "description": "Null for the start."},
    )
    to = fields.Enum(RunStatus, by_value=True, required=True, attribute="to_status", metadata={"type": "string"})
    actor = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)


class EventsSchema(Schema):
    """A run's timeline."""

    events = fields.List(fields.Nested(EventSchema), required=True)
