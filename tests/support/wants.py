"""Previews, runs and boards made with plain SQL, in any state of waiting."""

from typing import Any

from tests.support.factories import make_run, make_user, sql

VERSIONS = {"greenhouse": 1, "lever": 1, "website": 1}


def make_board(source: str = "greenhouse", board: str = "acme", **columns: Any) -> int:
    """Insert a board with these columns and return its id."""
    columns = {"source": source, "board": board, **columns}
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return sql(f"INSERT INTO boards ({names}) VALUES ({values}) RETURNING board_id", **columns)[0].board_id


def set_board(board_id: int, assignments: str) -> None:
    """Change columns of a board, given as SQL."""
    sql(f"UPDATE boards SET {assignments} WHERE board_id = :id", id=board_id)


def board_row(board_id: int) -> Any:
    """Return the board's row."""
    return sql("SELECT * FROM boards WHERE board_id = :id", id=board_id)[0]


def readings_of(board_id: int) -> list[Any]:
    """Return the board's listings, the first one first."""
    return sql("SELECT * FROM listings WHERE board_id = :id ORDER BY listing_id", id=board_id)


def make_waiting_preview(*boards: int, email: str = "a@example.org", fresh: str = "10 min") -> int:
    """Insert an unfinished preview whose units wait for these boards, in this order, and return its id."""
    preview_id = sql(
        "INSERT INTO previews (user_id, settings_hash, deadline_at)"
        " VALUES (:user_id, repeat('0', 64), clock_now() + interval '15 min') RETURNING preview_id",
        user_id=make_user(email),
    )[0].preview_id
    sql(
        "INSERT INTO preview_companies (preview_id, position, company_id, board_id, source, board, name, fresh_after)"
        " SELECT :preview_id, n, n, b.board_id, b.source, b.board, b.board, clock_now() - CAST(:fresh AS interval)"
        " FROM unnest(CAST(:boards AS bigint[])) WITH ORDINALITY AS w(board_id, n) JOIN boards b USING (board_id)",
        preview_id=preview_id, boards=list(boards), fresh=fresh,
    )
    return preview_id


def make_waiting_run(
    *boards: int, email: str = "a@example.org", fresh: str = "10 min", status: str = "initializing"
) -> int:
    """Insert a run under way whose companies wait for these boards, in this order, and return its id."""
    run_id = make_run(status, make_user(email), companies_total=len(boards))
    sql("UPDATE ingestion_runs SET deadline_at = clock_now() + interval '15 min' WHERE id = :id", id=run_id)
    sql(
        "INSERT INTO run_companies"
        " (run_id, position, company_id, board_id, source, board, name, is_baseline, fresh_after)"
        " SELECT :run_id, n, n, b.board_id, b.source, b.board, b.board, false, clock_now() - CAST(:fresh AS interval)"
        " FROM unnest(CAST(:boards AS bigint[])) WITH ORDINALITY AS w(board_id, n) JOIN boards b USING (board_id)",
        run_id=run_id, boards=list(boards), fresh=fresh,
    )
    return run_id


def make_company(board_id: int, email: str = "a@example.org", enabled: bool = True) -> None:
    """Insert a company of the user that points to this board."""
    board = board_row(board_id)
    sql(
        "INSERT INTO companies (user_id, source, board, name, enabled) VALUES (:user, :source, :board, 'N', :enabled)",
        user=make_user(email), source=board.source, board=board.board, enabled=enabled,
    )
