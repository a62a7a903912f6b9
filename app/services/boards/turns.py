"""The boards that are claimed next: those that requesters wait for, by turns."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    func,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.clock import NOW
from app.services.boards.requesters import REQUESTERS, Requesters
from app.services.boards.switches import is_on_condition
from app.services.boards.wants import BOARDS, is_answered, is_waiting

SOURCES = bindparam("sources", type_=ARRAY(String))
VERSIONS = bindparam("versions", type_=JSONB)
MAX_ATTEMPTS = bindparam("max_attempts", type_=Integer)

MAX_SKIPPED = 20
"""The boards of one requester that a claim looks at, of each source: more than are claimed at the same moment."""


def wanted(*, again: bool) -> Select[Any]:
    """Select the wanted boards that can be claimed, in the order of turns, with the requester that waits for each.

    ``again`` selects those that were claimed in vain before. LIMIT and OFFSET in the inner selects keep PostgreSQL from
    joining all waiting units before it sorts them: with them, it stops at the first boards.
    """
    turns = _turns()
    units = _first_units(turns, again=again)
    return (
        select(BOARDS.c.board_id, turns.c.preview_id, turns.c.run_id)
        .select_from(turns)
        .join(units, true())
        .join(BOARDS, BOARDS.c.board_id == units.c.board_id)
        # The caller's list of sources may be a second old.
        .where(is_on_condition(BOARDS.c.source))
        # The lock evaluates these conditions once more, on the latest version of the row: another worker may have
        # stored a listing meanwhile.
        .where(not_(is_answered(units.c, BOARDS.c)), is_free(BOARDS.c), BOARDS.c.attempt < MAX_ATTEMPTS)
        .order_by(*_in_turn(turns), units.c.position)
    )


def _turns() -> FromClause:
    """Select the requesters under way, of all kinds, in the order of their turns.

    Each has its id in the column of its kind, and NULL in the other. OFFSET has them sorted before their units are
    searched. Measured: 0.06 ms for 100 requesters.
    """
    kinds = []
    for kind in REQUESTERS:
        ids = [kind.key if each is kind else cast(null(), BigInteger) for each in REQUESTERS]
        named = [key.label(each.id_name) for key, each in zip(ids, REQUESTERS, strict=True)]
        times = kind.table.c.last_claim_at, kind.begun_at.label("begun_at")
        kinds.append(select(*named, *times).where(kind.is_under_way))
    found = union_all(*kinds).subquery("requester")
    return select(found).order_by(*_in_turn(found)).offset(0).subquery("turn")


def _in_turn(requesters: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Build the order of turns. Those that never had a board come first, the one that began first before the others."""
    columns = requesters.c
    return columns.last_claim_at.nulls_first(), columns.begun_at, columns.preview_id, columns.run_id


def _first_units(turns: FromClause, *, again: bool) -> FromClause:
    """Select the first units of a requester whose boards can be claimed, for each source that may be read.

    One search of an index for each source passes over the units of the systems that are held back. Measured with 1,000
    of them in each of 100 previews: 0.8 instead of 47 ms.
    """
    kinds = []
    for kind in REQUESTERS:
        source = func.unnest(SOURCES).table_valued(column("source", String), name="readable").render_derived()
        units = _units_of(kind, turns, source, again=again)
        is_of_kind = turns.c[kind.id_name].is_not(None)  # a test before the searches, not one in each
        kinds.append(select(*units.c).select_from(source.join(units, true())).where(is_of_kind).correlate(turns))
    found = union_all(*kinds).lateral("of_all_sources")
    return select(found).order_by(found.c.position).limit(MAX_SKIPPED).lateral("unit")


def _units_of(kind: Requesters, turns: FromClause, source: FromClause, *, again: bool) -> FromClause:
    """Select the first units of a requester of this kind that wait for boards of a source which can be claimed."""
    units = kind.units
    board = select(*BOARDS.c).where(BOARDS.c.board_id == units.c.board_id).correlate(units)
    candidate = board.offset(0).lateral("candidate")
    attempts = candidate.c.attempt > 0 if again else candidate.c.attempt == 0
    return (
        select(units.c.board_id, units.c.position, units.c.fresh_after)
        .select_from(units.join(candidate, true()))
        .where(kind.unit_key == turns.c[kind.id_name], units.c.source == source.c.source)
        .where(is_waiting(units.c, candidate.c), attempts, is_readable(candidate.c), is_free(candidate.c))
        .order_by(units.c.position)
        .limit(MAX_SKIPPED)
        .correlate(turns, source)
        .lateral("of_source")
    )


def is_readable(board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that this worker may read the board: its parser is at least as new as the last one.

    No version is found for a source that it may not read, so the condition is NULL.
    """
    return func.coalesce(board.schema_version, 0) <= version(board)


def version(board: Any) -> ColumnElement[int]:
    """Build the SQL for this worker's version of the board's source."""
    found: ColumnElement[int] = VERSIONS[board.source].as_integer()
    return found


def is_free(board: Any) -> ColumnElement[bool]:
    """Build the SQL condition that no worker reads the board, and that its pause is over."""
    expired = or_(board.lease_until.is_(None), board.lease_until <= NOW)
    return and_(expired, or_(board.not_before.is_(None), board.not_before <= NOW))
