"""Jobs whose postings close, and runs that advance, with plain SQL and the product's own statement."""

from typing import Any

from sqlalchemy import Integer, bindparam, update

from app.db.execute import run_statement
from app.services.runs import closings
from app.services.runs.queries import RUNS
from tests.support.factories import make_run, sql
from tests.support.listings import board_id, list_board
from tests.support.run_companies import add_company

MOVING = bindparam("moving", type_=Integer)
ADVANCE = closings.at_advance(
    update(RUNS)
    .where(RUNS.c.id == MOVING, RUNS.c.status == "initializing")
    .values({"status": "ingesting"})
    .returning(RUNS.c.id, RUNS.c.user_id),
    MOVING,
)


def add_jobs(user_id: int, board: str, number: int, status: str = "ready") -> None:
    """Insert this many open postings of a board, and a job of the user for each."""
    sql(
        "WITH posting AS (INSERT INTO postings (board_id, external_id, revision_id, content_hash, hash_version,"
        " first_listing_id, first_seen_at, is_baseline) SELECT :board, 'p' || nextval('jobs_id_seq'), n, 1, 1, 1,"
        " clock_now(), true FROM generate_series(1, :number) n RETURNING *)"
        " INSERT INTO jobs (user_id, company, external_id, url, status, board_id, posting_id, revision_id)"
        " SELECT :user, 'greenhouse:' || :name, external_id, 'https://example.org', :status, board_id, posting_id,"
        " revision_id FROM posting",
        board=board_id(board), number=number, user=user_id, name=board, status=status,
    )


def close_postings(board: str, number: int) -> int:
    """Close the first open postings of a board by two listings; return the id of the later one."""
    witness, last = list_board(board), list_board(board)
    sql(
        "UPDATE postings SET missing_since = clock_now(), missing_listing_id = :witness, closed_at = clock_now(),"
        " closed_reason = 'unseen', closed_listing_id = :last WHERE posting_id IN (SELECT posting_id FROM postings"
        " WHERE board_id = :board AND closed_at IS NULL ORDER BY posting_id LIMIT :number)",
        witness=witness, last=last, board=board_id(board), number=number,
    )
    return last


def reopen_postings(board: str, number: int) -> None:
    """Reopen the first closed postings of a board."""
    sql(
        "UPDATE postings SET missing_since = NULL, missing_listing_id = NULL, closed_at = NULL, closed_reason = NULL,"
        " closed_listing_id = NULL WHERE posting_id IN (SELECT posting_id FROM postings"
        " WHERE board_id = :board AND closed_at IS NOT NULL ORDER BY posting_id LIMIT :number)",
        board=board_id(board), number=number,
    )


def advance(run_id: int) -> Any:
    """Advance a run by the product's statement; return its row, or None if the run did not move."""
    rows = run_statement(ADVANCE, moving=run_id)
    return rows[0] if rows else None


def run_of(user_id: int, *boards: str) -> int:
    """Insert a run of these boards that has advanced."""
    run_id = make_run("initializing", user_id)
    for board in boards:
        add_company(run_id, board)
    assert advance(run_id)
    return run_id


def end(run_id: int, status: str = "aborted") -> int:
    """End a run, and return its id."""
    ended = "UPDATE ingestion_runs SET status = :status, finished_at = clock_now() WHERE id = :id"
    sql(ended, id=run_id, status=status)
    return run_id


def ended_run(user_id: int, *boards: str) -> int:
    """Insert a run of these boards that has advanced and ended."""
    return end(run_of(user_id, *boards))


def questions() -> list[tuple]:
    """Return the run, state, count and number of open jobs of each question."""
    return [tuple(each) for each in sql("SELECT run_id, state, count, open FROM run_closings ORDER BY run_id")]


def jobs(board: str) -> list[Any]:
    """Return the user's jobs of a board."""
    return sql("SELECT * FROM jobs WHERE board_id = :board ORDER BY id", board=board_id(board))


def job_states(board: str) -> dict[str, int]:
    """Return the number of the jobs of a board in each status."""
    counted = sql("SELECT status, count(*) FROM jobs WHERE board_id = :board GROUP BY 1", board=board_id(board))
    return {each.status: each.count for each in counted}
