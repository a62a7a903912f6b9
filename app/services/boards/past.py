"""The state of a board before a listing: its open postings, and the evidence that it carries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row, bindparam, text

from app.db.execute import run_statement
from app.services.boards.errors import LeaseLost
from app.services.boards.truth import Evidence, Past, Witness

# The partial index ix_postings_open has the open ones only, so what was ever closed costs nothing.
OPEN = text(
    "SELECT external_id, posting_id, content_hash, hash_version, revision_id, missing_since FROM postings"
    " WHERE board_id = :board AND closed_at IS NULL"
).bindparams(bindparam("board", type_=BigInteger))

OPEN_IDS = text(
    "SELECT posting_id, missing_since FROM postings WHERE board_id = :board AND closed_at IS NULL"
).bindparams(bindparam("board", type_=BigInteger))

STATE = text(
    """
SELECT boards.*, held.began_at AS held_at, held.lacking, empty.began_at AS empty_at, gone.began_at AS gone_first_at,
       gone_last.began_at AS gone_last_at, complete.unparsed
FROM boards
LEFT JOIN listings AS held ON held.listing_id = held_listing_id
LEFT JOIN listings AS empty ON empty.listing_id = empty_listing_id
LEFT JOIN listings AS gone ON gone.listing_id = gone_listing_id
LEFT JOIN listings AS gone_last ON gone_last.listing_id = gone_last_listing_id
LEFT JOIN listings AS complete ON complete.listing_id = complete_listing_id
WHERE boards.board_id = :board
"""
).bindparams(bindparam("board", type_=BigInteger))


class OpenPosting(NamedTuple):
    """An open posting, with what tells if it has changed."""

    posting_id: int
    content_hash: int
    hash_version: int
    revision_id: int
    missing_since: datetime | None


def open_postings(board_id: int) -> dict[str, OpenPosting]:
    """Read the open postings of a board, by external id. As rows they would take twice the memory."""
    rows = run_statement(OPEN, board=board_id)
    return {
        row.external_id: OpenPosting(
            row.posting_id, row.content_hash, row.hash_version, row.revision_id, row.missing_since
        )
        for row in rows
    }


def open_posting_ids(board_id: int) -> Sequence[Row[Any]]:
    """Read the ``posting_id`` and ``missing_since`` of the open postings of a board."""
    return run_statement(OPEN_IDS, board=board_id)


def read_past(board_id: int, postings: Iterable[OpenPosting | Row[Any]]) -> tuple[Past, int]:
    """Read the state of a board that has these open postings, and the unparsed records of its last complete listing.

    Raises LeaseLost if the board was removed.
    """
    rows = run_statement(STATE, board=board_id)
    if not rows:
        raise LeaseLost
    board, found = rows[0], list(postings)
    past = Past(
        evidence=Evidence(
            held=_witness(board.held_listing_id, board.held_at),
            empty=_witness(board.empty_listing_id, board.empty_at),
            empty_count=board.empty_count,
            gone=_witness(board.gone_listing_id, board.gone_first_at),
            last_gone=_witness(board.gone_last_listing_id, board.gone_last_at),
            gone_count=board.gone_count,
            is_shrink_allowed=board.is_shrink_allowed,
        ),
        open_postings=frozenset(row.posting_id for row in found),
        missing={row.posting_id: row.missing_since for row in found if row.missing_since},
        held_lacking=frozenset(board.lacking or ()),
        complete_at=board.complete_at,
        second_look_at=board.second_look_at,
        is_on_hold=board.is_on_hold,
    )
    return past, board.unparsed or 0


def _witness(listing_id: int | None, began_at: Any) -> Witness | None:
    return Witness(listing_id, began_at) if listing_id is not None and began_at is not None else None
