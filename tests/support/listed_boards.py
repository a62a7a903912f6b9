"""Boards that were listed, inserted with plain SQL."""

from collections.abc import Iterable

from tests.support.factories import sql


def make_board(source: str, board: str) -> int:
    """Insert a board, if it is not there yet, and return its id."""
    key = {"source": source, "board": board}
    sql("INSERT INTO boards (source, board) VALUES (:source, :board) ON CONFLICT DO NOTHING", **key)
    return sql("SELECT board_id FROM boards WHERE source = :source AND board = :board", **key)[0].board_id


def add_listing(board_id: int, state: str, code: str, found: int | None = None, sentence: str | None = None) -> int:
    """Insert an ended listing, make it the board's last, and return its id. A failed one has no content."""
    listing_id = sql(
        "INSERT INTO listings (board_id, state, ended_at, code, sentence, found, new_postings, changed_postings,"
        " unchanged_postings, reopened_postings, missing_postings, closed_postings, unparsed)"
        " VALUES (:board_id, :state, clock_now(), :code, :sentence, :found, 0, 0, :found, 0, 0, 0, 0)"
        " RETURNING listing_id",
        board_id=board_id, state=state, code=code, found=found, sentence=sentence,
    )[0].listing_id
    content = "" if found is None else ", content_listing_id = :listing_id, content_began_at = clock_now()"
    sql(
        f"UPDATE boards SET listing_id = :listing_id, listed_at = clock_now() {content} WHERE board_id = :board_id",
        listing_id=listing_id, board_id=board_id,
    )
    return listing_id


def add_postings(board_id: int, external_ids: Iterable[str]) -> int:
    """List a board with these postings, and return the listing's id."""
    ids = list(external_ids)
    listing_id = add_listing(board_id, "complete", "ok", len(ids))
    sql(
        "INSERT INTO postings (board_id, external_id, revision_id, content_hash, hash_version, first_listing_id,"
        " first_seen_at, is_baseline) SELECT :board_id, id, 1, 1, 1, :listing_id, clock_now(), true"
        " FROM unnest(CAST(:ids AS text[])) id",
        board_id=board_id, listing_id=listing_id, ids=ids,
    )
    return listing_id
