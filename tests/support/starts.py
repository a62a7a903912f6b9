"""Starts by the service, for whom the id is enough."""

from app.services.runs import start


def start_run(user_id: int, preview_id: int | None = None) -> int:
    """Start a run and return its id; raises what ``runs.start`` raises."""
    return start.create_run(user_id, preview_id)[0]
