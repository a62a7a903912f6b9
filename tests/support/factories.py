"""Rows inserted with plain SQL, so that a test can start in any state of a run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from app.extensions import db
from app.models import RunStatus
from app.services.accounts.users import LOCAL_EMAIL
from app.services.companies import companies


def sql(statement: str, **values: Any) -> list[Any]:
    """Run a statement and return its rows. Commits."""
    with db.engine.connect() as connection:
        result = connection.execute(text(statement), values)
        return list(result.fetchall()) if result.returns_rows else []


@contextmanager
def open_transaction(statement: str) -> Iterator[Connection]:
    """Run the statement in another transaction and keep its locks until the block ends."""
    with db.engine.connect().execution_options(isolation_level="READ COMMITTED") as other:
        other.exec_driver_sql(statement)
        yield other
        other.rollback()


def make_user(email: str = LOCAL_EMAIL) -> int:
    """Insert a user, by default the one of AUTH=local, and return the id."""
    return sql(
        "INSERT INTO users (email) VALUES (:email) ON CONFLICT (email) DO UPDATE SET email = :email RETURNING user_id",
        email=email,
    )[0].user_id


def insert_companies(user_id: int, number: int) -> None:
    """Insert this many companies of the user."""
    sql(
        "INSERT INTO companies (user_id, source, board, name)"
        " SELECT :user_id, 'lever', 'b' || n, 'N' FROM generate_series(1, :number) n",
        user_id=user_id, number=number,
    )


def make_run(status: str = "pending", user_id: int | None = None, **columns: Any) -> int:
    """Insert a run, by default of the local user, with these columns, and return its id."""
    columns = {"user_id": user_id or make_user(), "status": status, **columns}
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    ended = RunStatus(status) in RunStatus.TERMINAL
    return sql(
        f"INSERT INTO ingestion_runs ({names}, finished_at) VALUES ({values}, {'now()' if ended else 'NULL'})"
        " RETURNING id",
        **columns,
    )[0].id


def make_run_company(run_id: int, board: str = "acme", source: str = "greenhouse", **columns: Any) -> int:
    """Insert a company of a run, by default a waiting one, with these columns, and return its position.

    Its board is inserted if there is none.
    """
    key = {"source": source, "board": board}
    sql("INSERT INTO boards (source, board) VALUES (:source, :board) ON CONFLICT DO NOTHING", **key)
    board_id = sql("SELECT board_id FROM boards WHERE source = :source AND board = :board", **key)[0].board_id
    position = sql("SELECT count(*) FROM run_companies WHERE run_id = :id", id=run_id)[0].count + 1
    columns = {"run_id": run_id, "position": position, "company_id": position, "board_id": board_id, **key,
               "name": board.title(), "is_baseline": False, **columns}
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    # A given time replaces the default one.
    fresh = ("", "") if "fresh_after" in columns else (", fresh_after", ", clock_now() - interval '10 min'")
    sql(f"INSERT INTO run_companies ({names}{fresh[0]}) VALUES ({values}{fresh[1]})", **columns)
    return columns["position"]


def run_companies(run_id: int) -> list[Any]:
    """Return the rows of the run's companies."""
    return sql("SELECT * FROM run_companies WHERE run_id = :id ORDER BY position", id=run_id)


def row(run_id: int) -> Any:
    """Return the run's row."""
    return sql("SELECT * FROM ingestion_runs WHERE id = :id", id=run_id)[0]


def timeline(run_id: int) -> list[Any]:
    """Return the run's events in order."""
    return sql("SELECT * FROM run_events WHERE run_id = :id ORDER BY seq", id=run_id)


def merge(user_id: int, entries: list[dict[str, Any]]) -> companies.ImportResult:
    """Import these companies."""
    return companies.merge(user_id, [json.dumps(entry).encode() for entry in entries])
