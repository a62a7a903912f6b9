"""Responses of the health checks."""

from marshmallow import Schema, fields, validate

from app.schemas.problems import ProblemSchema


class AliveSchema(Schema):
    """The web process responds."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class CheckSchema(Schema):
    """The state of one part of the product."""

    ok = fields.Boolean(required=True)
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "A sentence about the fault. Null if it works."}
    )


class ReadySchema(Schema):
    """The product works. `degraded`: start, abort and current-run work, but another part does not."""

    status = fields.String(required=True, validate=validate.OneOf(["ok", "degraded"]))
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(CheckSchema),
        metadata={"description": "Only over loopback, or with the METRICS_TOKEN."},
    )


class NotReadyProblemSchema(ProblemSchema):
    """PostgreSQL is unavailable, or its migrations are behind."""

    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckSchema))
