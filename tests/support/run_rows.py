"""Companies of runs: read, and moved between states with plain SQL."""

from typing import Any

from tests.support.factories import sql


def run_units(run_id: int) -> list[Any]:
    """Return the companies of the run by position."""
    return sql("SELECT * FROM run_companies WHERE run_id = :id ORDER BY position", id=run_id)


def end_units(run_id: int, states: dict[str, str], status: str = "finished") -> None:
    """Give the companies on these boards a state, ``taken_in`` or ``failed``, and end the pending run."""
    sql("UPDATE ingestion_runs SET status = 'initializing' WHERE id = :id", id=run_id)
    for board, state in states.items():
        values = "state = 'read', outcome = 'ok', listing_id = 1"
        if state == "failed":
            values = "state = 'failed', outcome = 'not_found', expired_jobs = 0"
        sql(f"UPDATE run_companies SET {values} WHERE run_id = :id AND board = :board", id=run_id, board=board)
        if state == "taken_in":
            sql(
                "UPDATE run_companies SET state = 'taken_in', matched = 0, unchanged_jobs = 0, expired_jobs = 0"
                " WHERE run_id = :id AND board = :board",
                id=run_id, board=board,
            )
    if status == "finished":
        sql("UPDATE ingestion_runs SET status = 'ingesting' WHERE id = :id", id=run_id)
    sql(
        "UPDATE ingestion_runs SET status = :status, jobs_ready = 0, jobs_skipped = 0, finished_at = clock_now()"
        " WHERE id = :id",
        id=run_id, status=status,
    )
