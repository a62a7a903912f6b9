"""Starts of runs for tests that need only the id."""

from app.services.runs import start


def start_run(user_id: int, preview_id: int | None = None) -> int:
    """Start a run and return its id. Raises the errors of ``start.create_run``. Commits."""
    return start.create_run(user_id, preview_id)[0]
