"""Who acts, as the trigger learns it that writes the timeline of runs."""

from enum import StrEnum

from sqlalchemy import String, bindparam, func, select

from app.observability.logs import request_id


class Actor(StrEnum):
    """Who changes a run; the word that its timeline shows."""

    USER = "user"
    OPERATOR = "operator"
    WORKER = "worker"
    RESCUE = "rescue"


TRACED = (
    select(
        func.concat(
            func.set_config("job_ingestion.actor", bindparam("actor", type_=String), True),
            func.set_config("job_ingestion.request_id", bindparam("request_id", type_=String), True),
        )
    )
    .scalar_subquery()
    .is_not(None)
)
"""A condition that is always true, and on the way tells the trigger that writes the timeline who acts: a statement is a
transaction of its own here, so what the trigger has to know must be said within the statement."""


def trace(actor: Actor) -> dict[str, str]:
    """Return what TRACED is told: who, and at whose request. Changes nothing."""
    return {"actor": actor, "request_id": request_id() or ""}
