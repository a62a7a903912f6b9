"""The companies of a user: which boards are looked at, and by what filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    FromClause,
    Row,
    Text,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    not_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, insert
from sqlalchemy.exc import IntegrityError

from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import MAX_COMPANIES, Company
from app.services.accounts.users import USER_REMOVED
from app.services.companies.errors import CompanyChanged, CompanyExists, CompanyNotFound, TooManyCompanies

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)

MAX_ADD_ATTEMPTS = 100
"""How often adding is tried again because the company in its way was removed meanwhile."""

SETTINGS = ("source", "board", "name", "enabled", "include", "exclude")


@dataclass(frozen=True)
class ImportResult:
    """What an import did."""

    added: int
    changed: int
    unchanged: int


def list_for_user(user_id: int) -> Sequence[Row[Any]]:
    """Return a user's companies by name. Changes nothing."""
    mine = select(COMPANIES).where(COMPANIES.c.user_id == user_id)
    return run_statement(mine.order_by(func.lower(COMPANIES.c.name), COMPANIES.c.company_id))


def find_by_board(user_id: int, source: str, board: str) -> int | None:
    """Return the id of the user's company with that board, or None. Changes nothing."""
    mine = (COMPANIES.c.user_id == user_id) & (COMPANIES.c.source == source) & (COMPANIES.c.board == board)
    rows = run_statement(select(COMPANIES.c.company_id).where(mine))
    return rows[0].company_id if rows else None


def get(company_id: int, user_id: int) -> Row[Any]:
    """Return a company of this user. Changes nothing. Raises CompanyNotFound, also for another's."""
    return _by_id(run_statement(select(COMPANIES).where(*_is(company_id, user_id))), company_id)


def add(user_id: int, settings: dict[str, Any]) -> Row[Any]:
    """Add a company with these settings (``SETTINGS``) and return it. Commits.

    Raises CompanyExists, which names it, if the user has that board; TooManyCompanies; Unauthenticated if he is gone.
    """
    for _ in range(MAX_ADD_ATTEMPTS):
        if rows := _owned(lambda: run_statement(_insert_one(user_id, settings))):
            log.info("company added", user_id=user_id, company_id=rows[0].company_id)
            return rows[0]
        board = (COMPANIES.c.source == settings["source"]) & (COMPANIES.c.board == settings["board"])
        mine = COMPANIES.c.user_id == user_id
        same = select(COMPANIES.c.company_id).where(mine, board).scalar_subquery()
        found = run_statement(select(same.label("same"), func.count().label("n")).where(mine))[0]
        if found.same:
            raise CompanyExists(found.same)
        if found.n >= MAX_COMPANIES:
            raise TooManyCompanies(f"You have {found.n} companies; {MAX_COMPANIES} are the most.")
    raise RuntimeError(f"user {user_id}: {MAX_ADD_ATTEMPTS} times in a row a company was in the way and then was not")


def change(company_id: int, user_id: int, changes: dict[str, Any], seen: datetime | None = None) -> Row[Any]:
    """Give a company of this user another name, other filters, or switch it on or off, and return it. Commits.

    With ``seen`` only if that is when it was last changed. Raises CompanyChanged, with the company as it is;
    CompanyNotFound, also for another's.
    """
    as_seen = [] if seen is None else [COMPANIES.c.updated_at == seen]
    if changes:
        changed = update(COMPANIES).where(*_is(company_id, user_id), *as_seen)
        rows = run_statement(changed.values(updated_at=func.clock_timestamp(), **changes).returning(COMPANIES))
        if rows:
            return rows[0]
    company = get(company_id, user_id)
    if seen not in (None, company.updated_at):
        raise CompanyChanged(company)
    return company


def remove(company_id: int, user_id: int) -> None:
    """Remove a company of this user. Commits. Raises CompanyNotFound, also for another's."""
    gone = delete(COMPANIES).where(*_is(company_id, user_id)).returning(COMPANIES.c.company_id)
    _by_id(run_statement(gone), company_id)
    log.info("company removed", user_id=user_id, company_id=company_id)


def merge(user_id: int, given: list[dict[str, Any]]) -> ImportResult:
    """Add the companies of an import, or change those of the same board; none is removed. All or nothing. Commits.

    What an entry does not say (``enabled``, ``include``, ``exclude``) stays as it is. No board may be given twice.
    Raises TooManyCompanies, and Unauthenticated if the user is gone.
    """
    rows = _owned(lambda: run_statement(_merge_all(user_id, given)))
    if not rows[0].fits:
        raise TooManyCompanies(f"With these you would have more than {MAX_COMPANIES} companies, which are the most.")
    added, changed = rows[0].added, rows[0].changed
    log.info("companies imported", user_id=user_id, added=added, changed=changed)
    return ImportResult(added, changed, len(given) - added - changed)


def settings_hash(user_id: int | ColumnElement[int]) -> ColumnElement[str]:
    """The hash of what a user's previews and runs are made from, as SQL within a statement. Changes nothing.

    The one place that says which settings count: his enabled companies with their filters, in an order of their own.
    """
    counted = func.jsonb_build_array(
        COMPANIES.c.source,
        COMPANIES.c.board,
        COMPANIES.c.name,
        func.to_jsonb(COMPANIES.c.include),
        func.to_jsonb(COMPANIES.c.exclude),
    )
    order = aggregate_order_by(counted, COMPANIES.c.source.collate("C"), COMPANIES.c.board.collate("C"))
    whole = func.convert_to(cast(func.coalesce(func.jsonb_agg(order), literal([], JSONB)), Text), "UTF8")
    digest = func.encode(func.sha256(whole), "hex")
    return select(digest).where(COMPANIES.c.user_id == user_id, COMPANIES.c.enabled).scalar_subquery()


def _insert_one(user_id: int, settings: dict[str, Any]) -> Any:
    """Insert a company unless the user has that board, or as many as anybody may."""
    held = select(func.count()).where(COMPANIES.c.user_id == user_id).scalar_subquery()
    values = [literal(settings[name], COMPANIES.c[name].type) for name in SETTINGS]
    row = select(literal(user_id), *values).where(held < MAX_COMPANIES)
    return insert(COMPANIES).from_select(["user_id", *SETTINGS], row).on_conflict_do_nothing().returning(COMPANIES)


def _merge_all(user_id: int, given: list[dict[str, Any]]) -> Any:
    """Insert or update all, if they fit; one row says whether they did, and how many were new or changed."""
    entries = _recordset(given)
    mine = COMPANIES.c.user_id == user_id
    board = (entries.c.source == COMPANIES.c.source) & (entries.c.board == COMPANIES.c.board)
    others = select(func.count()).where(mine, ~select(entries.c.board).where(board).exists()).scalar_subquery()
    room = select((others + len(given) <= MAX_COMPANIES).label("fits")).cte("room")
    told = [
        func.coalesce(entries.c.enabled, COMPANIES.c.enabled, True),
        func.coalesce(entries.c.include, COMPANIES.c.include, _nothing()),
        func.coalesce(entries.c.exclude, COMPANIES.c.exclude, _nothing()),
    ]
    rows = (
        select(literal(user_id), entries.c.source, entries.c.board, entries.c.name, *told)
        .select_from(entries.outerjoin(COMPANIES, mine & board))
        .where(select(room.c.fits).scalar_subquery())
        # In one order, so that two imports at once wait for each other and do not deadlock.
        .order_by(entries.c.source, entries.c.board)
    )
    new = insert(COMPANIES).from_select(["user_id", *SETTINGS], rows)
    names = ("name", "enabled", "include", "exclude")
    merged = (
        new.on_conflict_do_update(
            constraint="uq_companies_user_id_source_board",
            set_={**{name: new.excluded[name] for name in names}, "updated_at": func.clock_timestamp()},
            where=tuple_(*[COMPANIES.c[name] for name in names]).is_distinct_from(
                tuple_(*[new.excluded[name] for name in names])
            ),
        )
        # Both times are now() in a row that was inserted, and the second is later in one that was changed.
        .returning((COMPANIES.c.updated_at == COMPANIES.c.created_at).label("is_new"))
        .cte("merged")
    )
    added, changed = (
        select(func.count(case((which, 1)))).select_from(merged).scalar_subquery()
        for which in (merged.c.is_new, not_(merged.c.is_new))
    )
    return select(room.c.fits, added.label("added"), changed.label("changed"))


def _recordset(given: list[dict[str, Any]]) -> FromClause:
    columns: list[ColumnElement[Any]] = [column(name, Text) for name in ("source", "board", "name")]
    columns += [column("enabled", Boolean), column("include", ARRAY(Text)), column("exclude", ARRAY(Text))]
    records = func.jsonb_to_recordset(literal(given, JSONB)).table_valued(*columns, name="given")
    return records.render_derived(with_types=True)


def _nothing() -> ColumnElement[list[str]]:
    return literal([], ARRAY(Text))


def _owned(insertion: Callable[[], Sequence[Row[Any]]]) -> Sequence[Row[Any]]:
    """What an insertion for a user returns; raises Unauthenticated if he is gone."""
    try:
        return insertion()
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(USER_REMOVED) from error


def _is(company_id: int, user_id: int) -> list[ColumnElement[bool]]:
    return [COMPANIES.c.company_id == company_id, COMPANIES.c.user_id == user_id]


def _by_id(rows: Sequence[Row[Any]], company_id: int) -> Row[Any]:
    if not rows:
        raise CompanyNotFound(f"There is no company {company_id}.")
    return rows[0]
