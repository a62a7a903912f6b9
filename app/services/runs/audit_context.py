"""The audit context: the actor and the request's id, for the trigger that writes the timeline of runs."""

from enum import StrEnum

from sqlalchemy import String, bindparam, func, select

from app.observability.logs import request_id


class Actor(StrEnum):
    """The party that changes a run, as the run's timeline shows it."""

    USER = "user"
    OPERATOR = "operator"
    WORKER = "worker"
    RESCUE = "rescue"


AUDIT_CONTEXT = (
    select(
        func.concat(
            func.set_config("job_ingestion.actor", bindparam("actor", type_=String), True),
            func.set_config("job_ingestion.request_id", bindparam("request_id", type_=String), True),
        )
    )
    .scalar_subquery()
    .is_not(None)
)
"""A condition that is always true and, as a side effect, sets the actor and the request's id for the trigger.

Each statement is a transaction of its own, so the statement itself must set them."""


def audit_context(actor: Actor) -> dict[str, str]:
    """Return the values of AUDIT_CONTEXT's parameters."""
    return {"actor": actor, "request_id": request_id() or ""}
