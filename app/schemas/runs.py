"""Requests and responses about runs."""

from marshmallow import RAISE, Schema, fields, validate

from app.models import MAX_RUN_ID, RunStatus
from app.schemas.fields import JsonInteger, QueryInteger


class StartSchema(Schema):
    """The options of a start. An unknown field is refused, because ignoring it would mislead."""

    class Meta:
        unknown = RAISE

    preview_id = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 2**63 - 1),
        metadata={
            "description": "The preview to start from. Its settings must still be the current ones; it may be"
            " unfinished. Null or omitted: none.",
        },
    )


class RunsQuerySchema(Schema):
    """A page of the runs."""

    class Meta:
        unknown = RAISE

    limit = QueryInteger(load_default=20, validate=validate.Range(1, 100), metadata={"description": "Runs per page."})
    before = QueryInteger(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_RUN_ID),
        metadata={"description": "Only runs older than this one: the `next_before` of the previous page."},
    )
    status = fields.Enum(
        RunStatus,
        by_value=True,
        load_default=None,
        allow_none=False,
        metadata={"type": "string", "description": "Only runs in this status."},
    )


class EventsQuerySchema(Schema):
    """A part of a timeline."""

    class Meta:
        unknown = RAISE

    after = QueryInteger(
        load_default=0,
        validate=validate.Range(0, MAX_RUN_ID),
        metadata={"description": "Only events after this sequence number."},
    )


class RunIdSchema(Schema):
    """The id of the started run."""

    run_id = fields.Integer(required=True)


class CurrentRunSchema(Schema):
    """The id of the active run, or null."""

    run_id = fields.Integer(required=True, allow_none=True)


class AbortedSchema(Schema):
    """The run is aborted, now or by an earlier request."""

    success = fields.Boolean(required=True)
    message = fields.String(required=True)


class RunSchema(Schema):
    """A run in full."""

    run_id = fields.Integer(required=True, attribute="id")
    status = fields.Enum(RunStatus, by_value=True, required=True, metadata={"type": "string"})
    is_active = fields.Function(
        lambda run: run.status.is_active,
        required=True,
        metadata={"type": "boolean", "description": "True while the run may still change."},
    )
    can_abort = fields.Function(
        lambda run: run.status in RunStatus.ABORTED.sources,
        required=True,
        metadata={"type": "boolean", "description": "True if the run can be aborted."},
    )
    total_jobs = fields.Integer(required=True, allow_none=True, metadata={"description": "Postings to ingest."})
    jobs_ready = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null until the run has finished."}
    )
    jobs_skipped = fields.Integer(required=True, allow_none=True)
    jobs_expired = fields.Integer(required=True, allow_none=True)
    jobs_failed = fields.Integer(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    dispatched_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "The last time a message for a worker was published. Null: not yet."},
    )
    error_message = fields.String(required=True, allow_none=True)
    preview_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The preview that the run was started from. Null: none, or it was deleted."},
    )
    server_time = fields.AwareDateTime(
        required=True, metadata={"description": "The current time of the server's clock."}
    )


class RunsPageSchema(Schema):
    """A page of runs, newest first."""

    runs = fields.List(fields.Nested(RunSchema), required=True)
    next_before = fields.Integer(
        required=True, allow_none=True,
        metadata={"description": "The `before` of the next page. Null on the last page."},
    )


class EventSchema(Schema):
    """A change of a run's status."""

    seq = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    from_ = fields.Enum(
        RunStatus,
        by_value=True,
        required=True,
        allow_none=True,
        attribute="from_status",
        data_key="from",
        metadata={"type": ["string", "null"], "description": "Null for the start of the run."},
    )
    to = fields.Enum(RunStatus, by_value=True, required=True, attribute="to_status", metadata={"type": "string"})
    actor = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)


class EventsSchema(Schema):
    """A run's timeline."""

    events = fields.List(fields.Nested(EventSchema), required=True)
