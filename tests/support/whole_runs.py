"""Whole runs in the process of a test: boards are read over HTTP, and each message does what a worker does."""

from typing import Any

from app.services.runs import start, work
from tests.support.clock import shift_clock
from tests.support.factories import row, sql
from tests.support.readers import read_boards

HOUR = 3600


def carry(run_id: int, **options: Any) -> Any:
    """Receive one message of a run, and return its row."""
    work.carry(run_id, lambda *_: None, lambda _: None, **options)
    return row(run_id)


def begin(user_id: int, preview_id: int | None = None) -> int:
    """Start a run, read the boards that it waits for, and return its id. Nothing is taken in yet."""
    run_id = start.create_run(user_id, preview_id)[0]
    carry(run_id)
    read_boards()
    return run_id


def run(user_id: int, preview_id: int | None = None) -> Any:
    """Run to the end, and return the run's row."""
    ended = carry(begin(user_id, preview_id))
    assert ended.finished_at
    return ended


def run_at(user_id: int, hours: float) -> Any:
    """Run to the end that many hours from now by the product's clock, and return the run's row."""
    shift_clock(hours * HOUR)
    return run(user_id)


def counts(ended: Any) -> tuple[int, int, int]:
    """Return what a run counts: ready, skipped and expired."""
    return ended.jobs_ready, ended.jobs_skipped, ended.jobs_expired


def states(user_id: int) -> dict[str, str]:
    """Return the status of each of the user's jobs by its title."""
    rows = sql("SELECT title, status FROM jobs WHERE user_id = :user ORDER BY id", user=user_id)
    return {each.title: each.status for each in rows}
