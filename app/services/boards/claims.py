"""The claims of boards: the next board to read, by turns of those who wait."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Float,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    cast,
    distinct,
    false,
    func,
    null,
    or_,
    select,
    update,
)

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.services.boards import readings
from app.services.boards.claim import Claim
from app.services.boards.requesters import REQUESTERS, Requesters
from app.services.boards.switches import is_on_condition
from app.services.boards.times import BoardTimes
from app.services.boards.turns import MAX_ATTEMPTS, is_free, is_readable, version, wanted
from app.services.boards.wants import BOARDS, has_company
from app.sources.types import Validators

LEASE = bindparam("lease", type_=Float)
REUSE = bindparam("reuse", type_=Float)

CLAIM_COLUMNS = (
    "board_id",
    "source",
    "board",
    "lease_id",
    "attempt",
    "is_second_look",
    "schema_version",
    "etag",
    "last_modified",
    "body_hash",
)

NOBODY = [cast(null(), BigInteger).label(kind.id_name) for kind in REQUESTERS]
"""The ids of the requester of a board that nobody waits for."""


def claim_wanted(versions: Mapping[str, int], times: BoardTimes) -> Claim | None:
    """Claim the board that is wanted next, and return it, or None. Commits.

    ``versions`` has the parsers' versions of the sources that may be read now. Previews and runs take turns together:
    the next board goes to the one whose last claim is longest ago. Boards that were claimed in vain before come last,
    in case they crash workers. SKIP LOCKED gives simultaneous claims different boards.
    """
    values = _values(versions, times)
    return _claim(run_statement(CLAIM_FIRST, **values)) or _claim(run_statement(CLAIM_AGAIN, **values))


def claim_second_look(versions: Mapping[str, int], times: BoardTimes) -> Claim | None:
    """Claim the board whose second look has been due longest, and return it, or None. Commits."""
    return _claim(run_statement(CLAIM_SECOND_LOOK, **_values(versions, times)))


def claim_board(board_id: int, versions: Mapping[str, int], times: BoardTimes) -> Claim | None:
    """Claim this board for the operator, wanted or not; None if a worker reads it or this version cannot. Commits."""
    return _claim(run_statement(CLAIM_ONE, **_values(versions, times), wanted_board=board_id))


def claim_exhausted(versions: Mapping[str, int], times: BoardTimes) -> Claim | None:
    """Claim a board whose last attempt has died, so that its reading can be ended; None if there is none. Commits."""
    return _claim(run_statement(CLAIM_EXHAUSTED, **_values(versions, times)))


def count_claimable(versions: Mapping[str, int], times: BoardTimes, limit: int, *, second_looks: bool) -> int:
    """Return the number of boards that can be claimed now, at most ``limit``."""
    values = _values(versions, times)
    found: int = run_statement(COUNT_FIRST, **values, limit=limit)[0].boards
    if found < limit:
        found += run_statement(COUNT_AGAIN, **values, limit=limit - found)[0].boards
    if second_looks and found < limit:
        found += run_statement(COUNT_SECOND_LOOKS, **values, limit=limit - found)[0].boards
    return found


def _values(versions: Mapping[str, int], times: BoardTimes) -> dict[str, Any]:
    return {
        "sources": list(versions),
        "versions": dict(versions),
        "max_attempts": times.exhausted_attempts,
        "lease": times.lease,
        "reuse": times.reuse,
    }


def _claim(rows: Sequence[Row[Any]]) -> Claim | None:
    """Return the claim in the row that a statement returned; None if it claimed no board."""
    if not rows:
        return None
    row = rows[0]
    validators = Validators(row.etag, row.last_modified, row.body_hash) if row.is_reusable else None
    return Claim(
        board_id=row.board_id,
        listing_id=row.listing_id,
        lease_id=row.lease_id,
        source=row.source,
        board=row.board,
        began_at=row.began_at,
        attempt=row.attempt,
        is_second_look=row.is_second_look,
        validators=validators,
        schema_version=row.schema_version,
    )


def _second_looks() -> Select[Any]:
    """Select the boards whose second look is due, the most overdue first."""
    found = select(BOARDS.c.board_id, *NOBODY)
    due = BOARDS.c.look_again_at <= select(NOW).scalar_subquery()
    found = found.where(due, is_readable(BOARDS.c), is_free(BOARDS.c), BOARDS.c.attempt < MAX_ATTEMPTS)
    return found.where(has_company(BOARDS), is_on_condition(BOARDS.c.source)).order_by(BOARDS.c.look_again_at)


def _claiming(boards: Select[Any], **values: Any) -> Select[Any]:
    """Build the statement that leases the first of these boards and begins its reading."""
    chosen = boards.limit(1).with_for_update(of=BOARDS, key_share=True, skip_locked=True).cte("chosen")
    lease = {
        "lease_id": func.gen_random_uuid(),
        "lease_until": seconds_from_now(LEASE),
        "not_before": None,
        "attempt": BOARDS.c.attempt + 1,
        "is_second_look": False,
    }
    is_same_version = BOARDS.c.schema_version == version(BOARDS.c)
    is_reusable = and_(BOARDS.c.validated_at > seconds_from_now(-REUSE), is_same_version)
    leased = (
        update(BOARDS)
        .where(BOARDS.c.board_id == chosen.c.board_id)
        .values({**lease, **values})
        .returning(
            *[BOARDS.c[name] for name in CLAIM_COLUMNS],
            func.coalesce(is_reusable, false()).label("is_reusable"),
            *[chosen.c[kind.id_name] for kind in REQUESTERS],
        )
        .cte("leased")
    )
    begun = readings.begin(leased).cte("begun")
    return (
        select(*leased.c, begun.c.listing_id, begun.c.began_at)
        .join(begun, begun.c.board_id == leased.c.board_id)
        .add_cte(*[_turn(leased, kind).cte(f"turn_by_{kind.id_name}") for kind in REQUESTERS])
    )


def _turn(leased: CTE, kind: Requesters) -> Update:
    """Build the UPDATE that records the turn of the requester of this kind for which a board was leased.

    A locked requester is skipped: another claim records its turn at this moment, or it ends.
    """
    mine = select(kind.key).where(kind.key.in_(select(leased.c[kind.id_name])), kind.is_unfinished)
    mine = mine.with_for_update(key_share=True, skip_locked=True)
    return update(kind.table).where(kind.key.in_(mine)).values(last_claim_at=NOW)


def _one() -> Select[Any]:
    """Select the board with the id ``wanted_board``, if it can be claimed."""
    found = select(BOARDS.c.board_id, *NOBODY)
    return found.where(BOARDS.c.board_id == bindparam("wanted_board"), is_readable(BOARDS.c), is_free(BOARDS.c))


def _exhausted() -> Select[Any]:
    """Select the boards whose last attempt has died.

    One without a lease was released after the operator's attempt, or had more attempts by other settings.
    """
    found = select(BOARDS.c.board_id, *NOBODY)
    expired = or_(BOARDS.c.lease_until.is_(None), BOARDS.c.lease_until <= select(NOW).scalar_subquery())
    return found.where(BOARDS.c.attempt >= MAX_ATTEMPTS, BOARDS.c.attempt > 0, expired, is_readable(BOARDS.c))


def _counting(boards: Select[Any]) -> Select[Any]:
    """Build the statement that counts these boards, each once, up to ``limit``."""
    found = boards.limit(bindparam("limit")).subquery()
    return select(func.count(distinct(found.c.board_id)).label("boards"))


CLAIM_FIRST = _claiming(wanted(again=False))
CLAIM_AGAIN = _claiming(wanted(again=True))
CLAIM_SECOND_LOOK = _claiming(_second_looks(), is_second_look=True, second_look_at=NOW)
# The operator's reading begins the count anew: a release of it must not leave a board whose attempts are used up.
CLAIM_ONE = _claiming(_one(), attempt=1)
CLAIM_EXHAUSTED = _claiming(_exhausted())
COUNT_FIRST = _counting(wanted(again=False))
COUNT_AGAIN = _counting(wanted(again=True))
COUNT_SECOND_LOOKS = _counting(_second_looks())
