"""Runs whose companies can be taken in, and what became of the user's jobs."""

from typing import Any

from app.services.runs import decisions, taking_in
from tests.support.factories import make_run, row, sql


def make_unit(
    run_id: int,
    board_id: int,
    position: int = 1,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    state: str = "read",
    **columns: Any,
) -> None:
    """Insert a company of a run. One that is read is answered by the board's last listing with content."""
    board = sql("SELECT * FROM boards WHERE board_id = :id", id=board_id)[0]
    columns = {
        "run_id": run_id, "position": position, "company_id": board_id, "board_id": board_id, "source": board.source,
        "board": board.board, "name": board.board.title(), "include": [*include], "exclude": [*exclude],
        "is_baseline": False, "state": state, "outcome": "ok" if state == "read" else "not_found",
        "listing_id": board.content_listing_id if state == "read" else board.listing_id,
        "pinned_listing_id": board.listing_id, **columns,
    }
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    sql(f"INSERT INTO run_companies ({names}, fresh_after) VALUES ({values}, clock_now())", **columns)


def begin_run(user_id: int, *board_ids: int, **columns: Any) -> int:
    """Insert a run under way that has decided on these boards, all with the same filters. Return its id."""
    run_id = make_run("ingesting", user_id)
    for position, board_id in enumerate(board_ids, 1):
        make_unit(run_id, board_id, position, **columns)
    assert decisions.decide(run_id)
    return run_id


def take_in(user_id: int, *board_ids: int, **columns: Any) -> int:
    """Take these boards in by a run, end it, and return its id."""
    run_id = begin_run(user_id, *board_ids, **columns)
    assert taking_in.take_in(run_id)
    end_run(run_id)
    return run_id


def end_run(run_id: int) -> None:
    """Abort a run, so that its user may have another."""
    sql("UPDATE ingestion_runs SET status = 'aborted', finished_at = clock_now() WHERE id = :id", id=run_id)


def unit(run_id: int, position: int = 1) -> Any:
    """Return a company of a run."""
    found = "SELECT * FROM run_companies WHERE run_id = :id AND position = :position"
    return sql(found, id=run_id, position=position)[0]


def counts(run_id: int, position: int = 1) -> tuple[int | None, ...]:
    """Return the counts of a company: new, changed, reopened, unchanged, expired. They must add up."""
    of = unit(run_id, position)
    found = (of.new_jobs, of.changed_jobs, of.reopened_jobs, of.unchanged_jobs, of.expired_jobs)
    if of.state == "taken_in":
        assert of.matched == sum(found[:4])
        assert row(run_id).total_jobs == sum(
            each.matched
            for each in sql("SELECT matched FROM run_companies WHERE run_id = :id AND state <> 'failed'", id=run_id)
        )
    return found


def jobs(user_id: int) -> dict[str, Any]:
    """Return a user's jobs by external id."""
    rows = sql("SELECT * FROM jobs WHERE user_id = :user ORDER BY id", user=user_id)
    return {each.external_id: each for each in rows}


def job_events(run_id: int) -> list[tuple[str, str]]:
    """Return the external id and kind of each event of a run, in order."""
    rows = sql(
        "SELECT external_id, kind FROM job_events JOIN jobs ON jobs.id = job_id"
        " WHERE job_events.run_id = :run ORDER BY event_id",
        run=run_id,
    )
    return [(each.external_id, each.kind) for each in rows]


def traces() -> tuple[Any, ...]:
    """Return what changes with each written row of jobs and of their events, and with each number of a sequence."""
    jobs_now = sql("SELECT id, xmin::text, ctid::text FROM jobs ORDER BY id")
    sequences = sql("SELECT jobs.last_value, events.last_value FROM jobs_id_seq jobs, job_events_event_id_seq events")
    return [tuple(each) for each in jobs_now], tuple(sequences[0])
