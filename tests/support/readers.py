"""The reading of boards in the process of a test, with the answers that a worker gives."""

from dataclasses import replace
from threading import Event
from typing import Any

from flask import current_app

from app.services.boards import worker
from app.tasks.boards import answer
from tests.support.boards import job
from tests.support.factories import sql
from tests.support.previews import begin_preview, company, preview, units, work_on
from tests.support.wants import readings_of

__all__ = ["answer"]


def read_boards(**options: Any) -> int:
    """Work on one message for boards, and return how often it was published again."""
    published: list[int] = []
    worker.work(lambda: published.append(1), answer, **options)
    return len(published)


def read_preview(user_id: int, refresh: bool = False) -> int:
    """Begin a preview, read the boards that it waits for, decide on what can be decided, and return its id."""
    preview_id = begin_preview(user_id, refresh)
    work_on(preview_id)
    read_boards()
    work_on(preview_id)
    return preview_id


def finish_reading(user_id: int, refresh: bool = False) -> Any:
    """Complete a preview of one company, and return its unit."""
    preview_id = read_preview(user_id, refresh)
    assert preview(preview_id).finished_at
    [unit] = units(preview_id)
    return unit


def hanging_preview(boards: Any, user_id: int, number: int) -> tuple[int, Event]:
    """Begin a preview of that many boards that do not answer before the event is set."""
    hold = Event()
    for each in range(number):
        boards.greenhouse(f"b{user_id}-{each}", [job(1, "Engineer")], hold=hold)
        company(user_id, f"b{user_id}-{each}")
    return begin_preview(user_id), hold


def change_settings(monkeypatch: Any, **values: Any) -> None:
    """Change settings of the application for one test."""
    monkeypatch.setitem(current_app.config, "SETTINGS", replace(current_app.config["SETTINGS"], **values))


def board_of(board: str = "acme") -> Any:
    """Return the row of a board by its name."""
    return sql("SELECT * FROM boards WHERE board = :board", board=board)[0]


def states(board: str = "acme") -> list[str]:
    """Return the state of each reading of the board, the first one first."""
    return [listing.state for listing in readings_of(board_of(board).board_id)]


def set_boards(assignments: str) -> None:
    """Change columns of all boards, given as SQL."""
    sql(f"UPDATE boards SET {assignments}")
