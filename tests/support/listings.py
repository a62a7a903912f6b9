"""Boards, their listings and their postings, inserted with plain SQL, so that a test needs no reading."""

from collections.abc import Iterable
from typing import Any

from tests.support.factories import sql


def board_id(board: str, source: str = "greenhouse") -> int:
    """Return the id of a board, which is inserted if there is none."""
    names = {"source": source, "board": board}
    sql("INSERT INTO boards (source, board) VALUES (:source, :board) ON CONFLICT DO NOTHING", **names)
    return sql("SELECT board_id FROM boards WHERE source = :source AND board = :board", **names)[0].board_id


def list_board(
    board: str,
    titles: Iterable[str] = (),
    state: str = "complete",
    code: str | None = None,
    source: str = "greenhouse",
    age: float = 0,
    **columns: Any,
) -> int:
    """Store a listing that began ``age`` seconds ago, with new postings of these titles; return the listing's id.

    The open postings stay open. ``columns`` are more columns of the listing.
    """
    board_number, titles = board_id(board, source), [*titles]
    default = "empty" if state == "empty" or (state == "complete" and not titles) else "ok"
    listing_id = _insert_listing(
        board_number, age, state=state, code=code or default, found=len(titles), new_postings=len(titles),
        changed_postings=0, unchanged_postings=0, **{"unparsed": 0, **columns},
    )
    for title in titles:
        offer(board, title, source=source, listing_id=listing_id)
    sql(
        "UPDATE boards SET listing_id = :listing, listed_at = clock_now(), content_listing_id = :listing,"
        " failed_until = NULL, content_began_at = (SELECT began_at FROM listings WHERE listing_id = :listing)"
        " WHERE board_id = :board",
        listing=listing_id, board=board_number,
    )
    return listing_id


def fail_board(
    board: str,
    code: str = "not_found",
    sentence: str = "There is no such board.",
    source: str = "greenhouse",
    age: float = 0,
    answers_for: float = 60,
    **columns: Any,
) -> int:
    """Store a failed listing that began ``age`` seconds ago and answers for some seconds; return its id."""
    board_number = board_id(board, source)
    listing_id = _insert_listing(board_number, age, state="failed", code=code, sentence=sentence, **columns)
    sql(
        "UPDATE boards SET listing_id = :listing, listed_at = clock_now(),"
        " failed_until = clock_now() + make_interval(secs => :seconds) WHERE board_id = :board",
        listing=listing_id, board=board_number, seconds=answers_for,
    )
    return listing_id


def offer(board: str, title: str, source: str = "greenhouse", listing_id: int = 1, **columns: Any) -> int:
    """Insert an open posting with this title and these columns of its revision; return its id."""
    board_number = board_id(board, source)
    number = sql("SELECT count(*) FROM postings WHERE board_id = :board", board=board_number)[0].count + 1
    revision = {
        "board_id": board_number, "listing_id": listing_id, "external_id": str(number), "title": title,
        "url": f"https://example.org/jobs/{number}", "content_hash": 1, "hash_version": 1, **columns,
    }
    revision_id = _insert("posting_revisions", revision, "revision_id")
    return sql(
        "INSERT INTO postings (board_id, external_id, revision_id, content_hash, hash_version, first_listing_id,"
        " first_seen_at, is_baseline) VALUES (:board, :external_id, :revision, 1, 1, :listing, clock_now(), true)"
        " RETURNING posting_id",
        board=board_number, external_id=str(revision["external_id"]), revision=revision_id, listing=listing_id,
    )[0].posting_id


def revise(posting_id: int, title: str) -> None:
    """Give a posting a new revision with this title."""
    sql(
        "WITH new AS (INSERT INTO posting_revisions (board_id, listing_id, external_id, title, url, content_hash,"
        " hash_version) SELECT board_id, 2, external_id, :title, 'https://example.org', 2, 1 FROM postings"
        " WHERE posting_id = :posting RETURNING revision_id)"
        " UPDATE postings SET revision_id = new.revision_id FROM new WHERE posting_id = :posting",
        posting=posting_id, title=title,
    )


def close(posting_id: int) -> None:
    """Close a posting."""
    sql(
        "UPDATE postings SET missing_since = clock_now(), missing_listing_id = 1, closed_at = clock_now(),"
        " closed_reason = 'unseen', closed_listing_id = 2 WHERE posting_id = :posting",
        posting=posting_id,
    )


def miss(posting_id: int) -> None:
    """Make a posting missing, but not closed."""
    sql(
        "UPDATE postings SET missing_since = clock_now(), missing_listing_id = 1 WHERE posting_id = :posting",
        posting=posting_id,
    )


def _insert_listing(board_number: int, age: float, **columns: Any) -> int:
    columns = {"board_id": board_number, **columns}
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    return sql(
        f"INSERT INTO listings ({names}, began_at, ended_at) VALUES ({values},"
        " clock_now() - make_interval(secs => :age), clock_now()) RETURNING listing_id",
        age=age, **columns,
    )[0].listing_id


def _insert(table: str, columns: dict[str, Any], returning: str) -> int:
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return sql(f"INSERT INTO {table} ({names}) VALUES ({values}) RETURNING {returning}", **columns)[0][0]
