"""The leases of boards that a worker has claimed: renew, release and snooze."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Float, Integer, Select, Uuid, bindparam, func, select, update

from app.db.clock import seconds_from_now
from app.db.execute import run_statement
from app.services.boards.claim import Claim
from app.services.boards.times import BoardTimes
from app.services.boards.wants import BOARDS, is_wanted

SECONDS = bindparam("seconds", type_=Float)
UNCOUNTED = bindparam("uncounted", type_=Integer)

_MINE = (
    BOARDS.c.board_id == func.any(bindparam("boards", type_=ARRAY(BigInteger))),
    BOARDS.c.lease_id == func.any(bindparam("leases", type_=ARRAY(Uuid))),
)

_UNLOCKED = select(BOARDS.c.board_id).where(*_MINE).with_for_update(key_share=True, skip_locked=True).cte("unlocked")
"""The caller's boards, without those that are being stored: no other worker can claim these."""


def _renewing() -> Select[tuple[UUID, bool]]:
    renewed = (
        update(BOARDS)
        .where(BOARDS.c.board_id == _UNLOCKED.c.board_id)
        .values(lease_until=seconds_from_now(SECONDS))
        .returning(BOARDS.c.board_id)
    )
    return select(BOARDS.c.lease_id, is_wanted(BOARDS).label("is_wanted")).where(*_MINE).add_cte(renewed.cte("renewed"))


RENEW = _renewing()
RELEASE = (
    update(BOARDS)
    .where(BOARDS.c.board_id == _UNLOCKED.c.board_id)
    .values(
        lease_id=None,
        lease_until=None,
        not_before=seconds_from_now(SECONDS),
        attempt=BOARDS.c.attempt - UNCOUNTED,
        is_second_look=False,
    )
    .returning(BOARDS.c.board_id)
)


def renew(claims: Iterable[Claim], times: BoardTimes) -> dict[UUID, bool]:
    """Extend the caller's leases. Return those that the caller still holds, by lease id. Commits.

    The value is false if nobody waits for the board any more. A lease that is missing from the result was lost.
    """
    rows = run_statement(RENEW, **_ids(claims), seconds=times.lease)
    return {row.lease_id: row.is_wanted for row in rows}


def release(claims: Iterable[Claim]) -> int:
    """Release the leases that the caller still holds, and count no attempt. Commits. Returns their number.

    Skips boards that are being stored at this moment.
    """
    return len(run_statement(RELEASE, **_ids(claims), seconds=0.0, uncounted=1))


def snooze(claim: Claim, times: BoardTimes, *, counted: bool) -> bool:
    """Release this board and hide it for a while. Commits. Returns whether the caller held its lease.

    With ``counted``, the attempt counts.
    """
    values = {**_ids([claim]), "seconds": times.snooze, "uncounted": 0 if counted else 1}
    return bool(run_statement(RELEASE, **values))


def _ids(claims: Iterable[Claim]) -> dict[str, list[object]]:
    claims = list(claims)
    return {"boards": [claim.board_id for claim in claims], "leases": [claim.lease_id for claim in claims]}
