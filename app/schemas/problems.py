"""Problem documents (RFC 9457): the responses to requests that fail."""

from marshmallow import Schema, fields

from app.schemas.companies import CompanySchema


class ProblemSchema(Schema):
    """The members of every problem document."""

    type = fields.String(required=True, metadata={"description": "A URN that names the kind of problem."})
    title = fields.String(required=True, metadata={"description": "The HTTP status in words."})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status."})
    detail = fields.String(required=True, metadata={"description": "A sentence for users."})
    code = fields.String(required=True, metadata={"description": "A stable name for programs."})
    request_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The id by which the operator finds this request."}
    )


class InputProblemSchema(ProblemSchema):
    """Invalid input, field by field."""

    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "The faults of each field, at most 100; `_schema` stands for the whole."},
    )
    more_errors = fields.Integer(
        metadata={"description": "The number of further faults, which `errors` leaves out. Absent if there are none."}
    )


class StartRefusedProblemSchema(ProblemSchema):
    """A run is active (`run_active`), or the preview is outdated (`preview_outdated`)."""

    run_id = fields.Integer(metadata={"description": "The active run, with `run_active`."})


class ClosingsRefusedProblemSchema(ProblemSchema):
    """The run asks nothing (`no_closings`); or its question has an answer (`closings_answered`) or was replaced by a
    later run (`closings_superseded`); or a run is active."""

    run_id = fields.Integer(metadata={"description": "The active run, with `run_active`."})


class RetryRefusedProblemSchema(ProblemSchema):
    """Another run is active (`run_active`), this one is (`run_not_ended`), or nothing is left (`nothing_to_retry`)."""

    run_id = fields.Integer(metadata={"description": "The other active run, with `run_active`."})


class CompanyExistsProblemSchema(ProblemSchema):
    """The user has this board already."""

    company_id = fields.Integer(metadata={"description": "The company with that board, with `company_exists`."})


class CompanyChangedProblemSchema(ProblemSchema):
    """The company has changed since the client read it."""

    company = fields.Nested(CompanySchema, required=True, metadata={"description": "The current company."})


class CandidateSchema(Schema):
    """A board that the URL may refer to."""

    source = fields.String(required=True)
    source_name = fields.String(required=True)
    board = fields.String(required=True)


class NothingDetectedProblemSchema(InputProblemSchema):
    """No board was found, or it could not be read."""

    candidates = fields.List(
        fields.Nested(CandidateSchema),
        metadata={
            "description": "With `several_boards`: the boards to choose from. With `board_moved`: the new board."
        },
    )
    retry_at = fields.AwareDateTime(
        metadata={"description": "With `board_throttled`: the time to try again, if the source names one."}
    )


class RunMovedProblemSchema(ProblemSchema):
    """The run ended before it could be aborted."""

    success = fields.Boolean(required=True, metadata={"description": "Always false."})
    message = fields.String(required=True, metadata={"description": "A sentence with the run's id and status."})
    run_status = fields.String(required=True, metadata={"description": "The run's status."})
