"""The states of readings. This module alone writes the state of a listing, and only from READING.

A reading begins with the claim of its board. The database enforces the same rules (migration ``boards``).
"""

from sqlalchemy import CTE, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from app.db.clock import NOW
from app.extensions import table_of
from app.models import Listing

LISTINGS = table_of(Listing)


def begin(leased: CTE) -> ReturningInsert[tuple[int, int, object]]:
    """Build the INSERT that begins a reading of each leased board. Commits with the statement around it.

    A reading that broke off begins anew: a board has one at a time.
    """
    new = insert(LISTINGS).from_select(["board_id"], select(leased.c.board_id))
    return new.on_conflict_do_update(
        index_elements=["board_id"], index_where=text("state = 'reading'"), set_={"began_at": NOW}
    ).returning(LISTINGS.c.listing_id, LISTINGS.c.board_id, LISTINGS.c.began_at)
