"""Requests and responses about runs."""

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.models import MAX_RUN_ID, ClosingsState, RunStatus
from app.schemas.fields import JsonInteger, QueryInteger, StrictBoolean


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


class AnswerSchema(Schema):
    """The answer to a run's question about jobs to expire."""

    class Meta:
        unknown = RAISE

    expire = StrictBoolean(
        required=True,
        metadata={"description": "True: the jobs expire. False: they stay open, and no run asks about them again."},
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


class ClosingsSchema(Schema):
    """The question of a run that would have expired unusually many jobs, and its answer."""

    state = fields.Enum(
        ClosingsState,
        by_value=True,
        required=True,
        metadata={"type": "string", "description": "`superseded`: a later run has counted anew."},
    )
    count = fields.Integer(required=True, metadata={"description": "The jobs that the run would have expired."})
    open = fields.Integer(required=True, metadata={"description": "The user's open jobs at that time."})
    expire = fields.Boolean(required=True, allow_none=True, metadata={"description": "The answer. Null: none yet."})
    expired = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The jobs that the answer expired."}
    )
    answered_at = fields.AwareDateTime(required=True, allow_none=True)


class AnsweredClosingsSchema(Schema):
    """The question after its answer."""

    closings = fields.Nested(ClosingsSchema, required=True)


def _count(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description})


class RunSchema(Schema):
    """A run in full."""

    run_id = fields.Integer(required=True, attribute="id")
    revision = _count("A number that grows with the run's progress. What has a lower one is older.")
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
    retry_of = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The run whose failed companies this one repeats."}
    )
    deadline_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Boards that are unread by then are given up. Null: no worker has begun the run."},
    )
    worker_seen_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "The last time a worker worked on the run. Null: no worker is known to have it."},
    )
    companies_total = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The companies of the run. Null: it ended before this version."},
    )
    companies_waiting = _count("Those whose boards wait to be read.")
    companies_reading = _count("Those whose boards are being read.")
    companies_read = _count("Those whose boards are read.")
    companies_taken_in = _count("Those whose jobs are up to date.")
    companies_failed = _count("Those that failed.")
    jobs_new = _count("New jobs so far.")
    jobs_changed = _count("Changed jobs so far.")
    jobs_reopened = _count("Jobs so far that were gone and are back.")
    jobs_unchanged = _count("Unchanged jobs so far. A company's are counted when all its jobs are up to date.")
    jobs_done = _count("The part of `total_jobs` that is up to date: new, changed, reopened and unchanged jobs.")
    previewed = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The postings that matched in the run's preview. Null: it had no finished preview."},
    )
    note = fields.String(
        required=True, allow_none=True, metadata={"description": "A sentence about the run as a whole."}
    )
    closings = fields.Nested(
        ClosingsSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null: the run has no question about expiring jobs."},
    )
    server_time = fields.AwareDateTime(
        required=True, metadata={"description": "The current time of the server's clock."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Build ``closings`` from columns of the run's row."""
        if attr != "closings":
            return super().get_attribute(obj, attr, default)
        if obj.closings_state is None:
            return None
        return {name: getattr(obj, f"closings_{name}") for name in ClosingsSchema().fields}


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
