from marshmallow import Schema, fields, validate

from app.schemas.problems import ProblemSchema


class AliveSchema(Schema):
    """The process answers."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class CheckSchema(Schema):
    """One part of the product."""

    ok = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "A sentence if it is not well."})


class ReadySchema(Schema):
    """Start, abort and current-run work; `degraded` when something else does not."""

    status = fields.String(required=True, validate=validate.OneOf(["ok", "degraded"]))
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(CheckSchema),
        metadata={"description": "For loopback, or with the METRICS_TOKEN."},
    )


class NotReadyProblemSchema(ProblemSchema):
    """PostgreSQL is away or its migrations are behind."""

    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckSchema))
