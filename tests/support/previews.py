"""Companies and previews, made by the services."""

from typing import Any

from flask import current_app

from app.services.companies import companies
from app.services.previews import lifecycle, worker
from app.tasks.preview import run_preview as task
from tests.support.factories import sql


def company(user_id: int, board: str, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), **more: Any) -> int:
    """Add an enabled company on Greenhouse, named after its board, and return its id."""
    settings = {"source": "greenhouse", "board": board, "name": board.title(), "enabled": True}
    return companies.add(user_id, {**settings, "include": [*include], "exclude": [*exclude], **more}).company_id


def begin_preview(user_id: int) -> int:
    """Begin a preview and return its id."""
    return lifecycle.begin(user_id)[0]


def finish_preview(user_id: int) -> int:
    """Begin a preview, complete it, and return its id."""
    preview_id = begin_preview(user_id)
    worker.work(preview_id, lambda: None)
    assert preview(preview_id).finished_at
    return preview_id


def run_preview(preview_id: int) -> None:
    """Run the preview's task as a worker does, with the Celery of the current application."""
    current_app.extensions["celery"].tasks[task.name](preview_id)


def preview(preview_id: int) -> Any:
    """Return the preview's row."""
    return sql("SELECT * FROM previews WHERE preview_id = :id", id=preview_id)[0]


def units(preview_id: int) -> list[Any]:
    """Return the rows of the preview's companies."""
    return sql("SELECT * FROM preview_companies WHERE preview_id = :id ORDER BY position", id=preview_id)


def postings(preview_id: int) -> list[Any]:
    """Return the rows of the preview's postings."""
    return sql("SELECT * FROM preview_postings WHERE preview_id = :id ORDER BY posting_id", id=preview_id)


def expire_leases() -> None:
    """Expire all leases."""
    sql("UPDATE preview_companies SET lease_until = now() - interval '1 s' WHERE state = 'listing'")
