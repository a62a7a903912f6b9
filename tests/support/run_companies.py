"""Companies of runs, inserted with plain SQL, so that a test can start in any state of one."""

from typing import Any

from tests.support import listings
from tests.support.factories import sql


def add_company(run_id: int, board: str, state: str = "read", **columns: Any) -> int:
    """Insert a company of a run, by default one that the last listing of its board has answered.

    ``columns`` are more columns of its row. Return its position.
    """
    board_id = listings.board_id(board)
    position = sql("SELECT count(*) FROM run_companies WHERE run_id = :run", run=run_id)[0].count + 1
    answered = {} if state == "waiting" else {"outcome": "ok", "listing_id": _last_listing(board_id)}
    row = {
        "run_id": run_id, "position": position, "company_id": board_id, "board_id": board_id, "source": "greenhouse",
        "board": board, "name": board.title(), "is_baseline": False, "state": state, **answered, **columns,
    }
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    sql(f"INSERT INTO run_companies ({names}, fresh_after) VALUES ({values}, clock_now() - interval '10 min')", **row)
    return position


def run_companies(run_id: int) -> list[Any]:
    """Return the rows of the run's companies."""
    return sql("SELECT * FROM run_companies WHERE run_id = :run ORDER BY position", run=run_id)


def _last_listing(board_id: int) -> int | None:
    return sql("SELECT content_listing_id FROM boards WHERE board_id = :board", board=board_id)[0].content_listing_id
