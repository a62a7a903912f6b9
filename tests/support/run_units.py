"""Companies and questions of runs, jobs and their events, inserted with plain SQL."""

from typing import Any

from tests.support.factories import make_user, sql
from tests.support.listings import board_id


def insert(table: str, **columns: Any) -> Any:
    """Insert a row and return it."""
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return sql(f"INSERT INTO {table} ({names}) VALUES ({values}) RETURNING *", **columns)[0]


def add_unit(run_id: int, position: int, board: str, state: str = "waiting", **columns: Any) -> None:
    """Insert a company of a run, with the columns that its state needs."""
    default = {"name": board.title(), "source": "greenhouse", "company_id": position}
    if state != "waiting":
        default |= {"outcome": "ok", "listing_id": 1}
    if state == "taken_in":
        counts = ("new_jobs", "changed_jobs", "reopened_jobs", "unchanged_jobs")
        default |= {"unchanged_jobs": 0, "expired_jobs": 0, "matched": sum(columns.get(name, 0) for name in counts)}
    unit = {**default, **columns}
    insert(
        "run_companies", run_id=run_id, position=position, state=state, board=board, is_baseline=False,
        board_id=board_id(board, unit["source"]), fresh_after="2026-01-01", **unit,
    )


def lease(board: str, seconds: int = 600) -> None:
    """Lease a board, as a worker that reads it does."""
    sql(
        "UPDATE boards SET lease_id = gen_random_uuid(), lease_until = clock_now() + make_interval(secs => :seconds)"
        " WHERE board = :board",
        board=board, seconds=seconds,
    )


def add_job(user_id: int, title: str | None = "Engineer", board: str = "acme", **columns: Any) -> int:
    """Insert a job of a board and return its id."""
    number = sql("SELECT count(*) FROM jobs")[0].count + 1
    default = {
        "company": f"greenhouse:{board}", "external_id": f"x{number}", "url": f"https://example.org/{number}",
        "status": "ready", "source": "greenhouse", "board_id": board_id(board), "company_name": "Stored",
    }
    return insert("jobs", user_id=user_id, title=title, **{**default, **columns}).id


def add_event(job_id: int, run_id: int, kind: str = "new", **columns: Any) -> int:
    """Insert an event of a job and return its id."""
    user_id = sql("SELECT user_id FROM jobs WHERE id = :id", id=job_id)[0].user_id
    columns = {"user_id": user_id, "revision_id": 1, **columns}
    return insert("job_events", job_id=job_id, run_id=run_id, kind=kind, **columns).event_id


def other_user() -> int:
    """Return the id of another user."""
    return make_user("other@example.org")
