"""Companies and previews, made by the services."""

from typing import Any

from flask import current_app

from app.services.companies import companies
from app.services.previews import lifecycle, work
from app.tasks.preview import run_preview as task
from tests.support import listings
from tests.support.factories import sql


def company(user_id: int, board: str, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), **more: Any) -> int:
    """Add an enabled company on Greenhouse, named after its board, and return its id."""
    settings = {"source": "greenhouse", "board": board, "name": board.title(), "enabled": True}
    return companies.add(user_id, {**settings, "include": [*include], "exclude": [*exclude], **more}).company_id


def begin_preview(user_id: int, refresh: bool = False) -> int:
    """Begin a preview and return its id."""
    return lifecycle.begin(user_id, refresh)[0]


def work_on(preview_id: int) -> None:
    """Do what can be done for a preview without reading a board."""
    work.work(preview_id, wake_readers=lambda *_: None)


def finish_preview(user_id: int) -> int:
    """Begin a preview, complete it with empty listings of the boards that have no recent one, and return its id."""
    preview_id = begin_preview(user_id)
    work_on(preview_id)
    for unit in units(preview_id):
        if unit.state == "waiting":
            listings.list_board(unit.board, source=unit.source)
    work_on(preview_id)
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
    """Return the rows of the preview's postings, each with the title of its revision."""
    return sql(
        "SELECT preview_postings.*, title FROM preview_postings JOIN posting_revisions USING (revision_id)"
        " WHERE preview_id = :id ORDER BY posting_id",
        id=preview_id,
    )
