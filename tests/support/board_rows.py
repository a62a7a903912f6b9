"""Boards, their listings and postings as rows, made and read with plain SQL."""

import uuid
from dataclasses import replace
from typing import Any

from app.services.boards.claim import Claim
from app.sources.types import Listing, Posting, Validators
from tests.support.factories import sql

POSTING = Posting(
    external_id="1",
    title="Gardener",
    url="https://example.org/1",
    locations=("Berlin", "Remote"),
    department="Parks",
    workplace="hybrid",
    employment_type="Full time",
    posted_at=None,
    updated_at=None,
    description="Water the trees.",
    requirements="A green thumb.",
)

COMPLETE = Listing(postings=(), is_complete=True, validators=Validators('"tag"', None))
NOT_MODIFIED = Listing(postings=(), is_complete=True, not_modified=True)


def make_posting(external_id: Any, **fields: Any) -> Posting:
    """Return a posting with this id and these fields."""
    return replace(POSTING, external_id=str(external_id), **fields)


def make_board(source: str = "greenhouse", board: str = "acme", **columns: Any) -> int:
    """Insert a board with these columns and return its id."""
    columns = {"source": source, "board": board, **columns}
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return sql(f"INSERT INTO boards ({names}) VALUES ({values}) RETURNING board_id", **columns)[0].board_id


def claim_board(board_id: int, ago: float = 0, attempt: int = 1) -> Claim:
    """Claim a board as a worker does, this many seconds ago, and begin a reading unless one is under way."""
    lease = uuid.uuid4()
    board = sql(
        "UPDATE boards SET lease_id = :lease, lease_until = clock_now() + interval '30 s', attempt = :attempt"
        " WHERE board_id = :board RETURNING source, board, schema_version",
        lease=lease, board=board_id, attempt=attempt,
    )[0]
    sql(
        "INSERT INTO listings (board_id, began_at) VALUES (:board, clock_now() - make_interval(secs => :ago))"
        " ON CONFLICT DO NOTHING",
        board=board_id, ago=ago,
    )
    reading = sql("SELECT * FROM listings WHERE board_id = :board AND state = 'reading'", board=board_id)[0]
    return Claim(
        board_id, reading.listing_id, lease, board.source, board.board, reading.began_at, attempt, False, None,
        board.schema_version,
    )


def board_row(board_id: int) -> Any:
    """Return the board's row."""
    return sql("SELECT * FROM boards WHERE board_id = :board", board=board_id)[0]


def listing_row(listing_id: int) -> Any:
    """Return the listing's row."""
    return sql("SELECT * FROM listings WHERE listing_id = :listing", listing=listing_id)[0]


def posting_rows(board_id: int) -> dict[str, Any]:
    """Return the postings of a board with their present content, by external id."""
    rows = sql(
        "SELECT p.*, r.title, r.description, r.requirements, r.changed_fields, r.listing_id, r.locations"
        " FROM postings p JOIN posting_revisions r ON r.revision_id = p.revision_id WHERE p.board_id = :board",
        board=board_id,
    )
    return {row.external_id: row for row in rows}


def event_rows(listing_id: int | None = None) -> list[Any]:
    """Return the events of a listing, or all, in order, with the external id of each posting."""
    return sql(
        "SELECT e.*, p.external_id FROM posting_events e JOIN postings p ON p.posting_id = e.posting_id"
        " WHERE e.listing_id = coalesce(:listing, e.listing_id) ORDER BY e.event_id",
        listing=listing_id,
    )


def kinds(listing_id: int) -> list[tuple[str, str]]:
    """Return the external id and kind of each event of a listing, in order of ids and events."""
    return sorted(((row.external_id, row.kind) for row in event_rows(listing_id)), key=lambda event: event[0])


def revision_count() -> int:
    """Return the number of all revisions."""
    return sql("SELECT count(*) FROM posting_revisions")[0].count
