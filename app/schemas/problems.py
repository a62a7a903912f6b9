from marshmallow import Schema, fields

from app.schemas.companies import CompanySchema


class ProblemSchema(Schema):
    """Every error: an RFC 9457 problem document."""

    type = fields.String(required=True, metadata={"description": "A URN that names the kind of problem."})
    title = fields.String(required=True, metadata={"description": "The HTTP status in words."})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status."})
    detail = fields.String(required=True, metadata={"description": "A sentence for a person."})
    code = fields.String(required=True, metadata={"description": "A stable word for a program."})
    request_id = fields.String(
        required=True, allow_none=True, metadata={"description": "What the operator finds this request by."}
    )


class InputProblemSchema(ProblemSchema):
    """Bad input, field by field."""

    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "What is wrong with each field; `_schema` stands for the whole."},
    )


class StartRefusedProblemSchema(ProblemSchema):
    """A run is active already, or the preview is outdated (`preview_outdated`) or unfinished (`preview_unfinished`)."""

    run_id = fields.Integer(metadata={"description": "The active run, with `run_active`."})


class CompanyExistsProblemSchema(ProblemSchema):
    """The user has this board already."""

    company_id = fields.Integer(metadata={"description": "The company with that board, with `company_exists`."})


class CompanyChangedProblemSchema(ProblemSchema):
    """The company is not any more as the client saw it."""

    company = fields.Nested(CompanySchema, required=True, metadata={"description": "As it is."})


class CandidateSchema(Schema):
    """A board that may be meant."""

    source = fields.String(required=True)
    source_name = fields.String(required=True)
    board = fields.String(required=True)


class NothingDetectedProblemSchema(InputProblemSchema):
    """No board was found, or it could not be looked at."""

    candidates = fields.List(
        fields.Nested(CandidateSchema),
        metadata={"description": "The boards to choose from, with `several_boards`, or with `board_moved` where to."},
    )
    retry_at = fields.AwareDateTime(
        metadata={"description": "When to try again, with `board_throttled`, if the system says."}
    )


class RunMovedProblemSchema(ProblemSchema):
    """The run ended before it could be aborted."""

    success = fields.Boolean(required=True, metadata={"description": "Always false."})
    message = fields.String(required=True, metadata={"description": "Names the run and its status."})
    run_status = fields.String(required=True, metadata={"description": "The status the run is in."})
