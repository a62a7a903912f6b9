"""The companies of a user. Each is a board with filters, for previews and runs.

The database limits their number for each user (the trigger ``companies_limit``), and finds or inserts the board of each
(``companies_set_board``). Nothing here updates a board, so nobody waits for one that is being stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from psycopg.errors import CheckViolation, ForeignKeyViolation
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Executable,
    FromClause,
    LargeBinary,
    Row,
    Select,
    Text,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    not_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, aggregate_order_by, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from app.db.clock import NOW
from app.db.execute import run_statement
from app.errors import Unauthenticated
from app.extensions import table_of
from app.models import Board, Company, Listing
from app.services.accounts.users import USER_REMOVED
from app.services.companies.errors import CompanyChanged, CompanyExists, CompanyNotFound, TooManyCompanies

log = structlog.get_logger(__name__)

COMPANIES = table_of(Company)
BOARDS = table_of(Board)
LISTINGS = table_of(Listing)

MAX_ADD_ATTEMPTS = 100
"""Attempts to add a company. A retry follows if the conflicting company has been removed since; 100 in a row are a
bug."""

LIMIT_TRIGGER = "companies_limit"
"""The trigger that refuses companies beyond MAX_COMPANIES."""

CLOCK = select(NOW.label("at")).cte("clock")
"""The one time of a statement that inserts companies: they are created and last changed at the same time."""

COMPANY_FIELDS = ("source", "board", "name", "enabled", "include", "exclude")
"""The columns that a user sets."""


@dataclass(frozen=True)
class ImportResult:
    """The numbers of companies that an import added, changed and left unchanged."""

    added: int
    changed: int
    unchanged: int


def list_for_user(user_id: int) -> Sequence[Row[Any]]:
    """Return a user's companies in the order of their names, each with the last listing of its board.

    ``listed_at``, ``outcome`` and ``outcome_detail`` describe that listing. ``postings`` is the number that the last
    listing with content found; None if there was none.
    """
    mine = _with_listings(COMPANIES).where(COMPANIES.c.user_id == user_id)
    return run_statement(mine.order_by(func.lower(COMPANIES.c.name), COMPANIES.c.company_id))


def find_by_board(user_id: int, source: str, board: str) -> int | None:
    """Return the id of the user's company with this board, or None."""
    mine = (COMPANIES.c.user_id == user_id) & (COMPANIES.c.source == source) & (COMPANIES.c.board == board)
    rows = run_statement(select(COMPANIES.c.company_id).where(mine))
    return rows[0].company_id if rows else None


def get(company_id: int, user_id: int) -> Row[Any]:
    """Return a company of this user. Raises CompanyNotFound, also if the company belongs to another user."""
    company = _with_listings(COMPANIES).where(*_owned_company(company_id, user_id))
    return _first_or_not_found(run_statement(company), company_id)


def add(user_id: int, fields: dict[str, Any]) -> Row[Any]:
    """Add a company with these fields (``COMPANY_FIELDS``) and return it. Commits.

    Raises CompanyExists with the company's id if the user already has the board, TooManyCompanies, or Unauthenticated
    if the user was removed.
    """
    for _ in range(MAX_ADD_ATTEMPTS):
        if rows := _run_insert(_insert_one(user_id, fields)):
            log.info("company added", user_id=user_id, company_id=rows[0].company_id)
            return rows[0]
        if existing_id := find_by_board(user_id, fields["source"], fields["board"]):
            raise CompanyExists(existing_id)
    raise RuntimeError(f"user {user_id}: company not added after {MAX_ADD_ATTEMPTS} attempts")


def change(
    company_id: int, user_id: int, changes: dict[str, Any], expected_updated_at: datetime | None = None
) -> Row[Any]:
    """Change the name, the filters or ``enabled`` of a company of this user, and return it. Commits.

    With ``expected_updated_at``, only if the company was last changed then. Raises CompanyChanged with the current
    company, and CompanyNotFound, also if the company belongs to another user.
    """
    unchanged = [] if expected_updated_at is None else [COMPANIES.c.updated_at == expected_updated_at]
    if changes:
        changed = update(COMPANIES).where(*_owned_company(company_id, user_id), *unchanged)
        changed = changed.values(updated_at=NOW, **changes).returning(COMPANIES)
        if rows := run_statement(_with_listings(changed.cte("changed"))):
            return rows[0]
    company = get(company_id, user_id)
    if expected_updated_at not in (None, company.updated_at):
        raise CompanyChanged(company)
    return company


def remove(company_id: int, user_id: int) -> None:
    """Remove a company of this user. Commits.

    Raises CompanyNotFound, also if the company belongs to another user.
    """
    removed = delete(COMPANIES).where(*_owned_company(company_id, user_id)).returning(COMPANIES.c.company_id)
    _first_or_not_found(run_statement(removed), company_id)
    log.info("company removed", user_id=user_id, company_id=company_id)


def merge(user_id: int, entries: list[bytes]) -> ImportResult:
    """Add the companies of an import, or change those with the same board: all of them or none. Commits.

    Each entry is a JSON object in UTF-8, in one line, with the members ``COMPANY_FIELDS``. No company is removed.
    Members that an entry leaves out (``enabled``, ``include``, ``exclude``) stay as they are. A board may occur only
    once. Raises TooManyCompanies, and Unauthenticated if the user was removed.
    """
    merged = _run_insert(_merge_all(user_id, entries))[0]
    added, changed = merged.added, merged.changed
    log.info("companies imported", user_id=user_id, added=added, changed=changed)
    return ImportResult(added, changed, len(entries) - added - changed)


def settings_hash(user_id: int | ColumnElement[int]) -> ColumnElement[str]:
    """Build the SQL of a hash over the settings that a user's previews and runs depend on.

    This is the only definition of which settings count: source, board, name and filters of the enabled companies,
    sorted by board.
    """
    counted = func.jsonb_build_array(
        COMPANIES.c.source,
        COMPANIES.c.board,
        COMPANIES.c.name,
        func.to_jsonb(COMPANIES.c.include),
        func.to_jsonb(COMPANIES.c.exclude),
    )
    order = aggregate_order_by(counted, COMPANIES.c.source.collate("C"), COMPANIES.c.board.collate("C"))
    settings = func.convert_to(cast(func.coalesce(func.jsonb_agg(order), literal([], JSONB)), Text), "UTF8")
    digest = func.encode(func.sha256(settings), "hex")
    return select(digest).where(COMPANIES.c.user_id == user_id, COMPANIES.c.enabled).scalar_subquery()


def _with_listings(companies: FromClause) -> Select[Any]:
    """Select companies, from their table or from a statement that returns them, with their boards' last listings.

    All joins are by primary keys. A board that the same statement inserts is not visible to it, and has no listing.
    """
    last, content = LISTINGS.alias("last"), LISTINGS.alias("content")
    listed = [
        last.c.ended_at.label("listed_at"),
        last.c.code.label("outcome"),
        last.c.sentence.label("outcome_detail"),
        content.c.found.label("postings"),
    ]
    joined = companies.outerjoin(BOARDS, BOARDS.c.board_id == companies.c.board_id)
    joined = joined.outerjoin(last, last.c.listing_id == BOARDS.c.listing_id)
    joined = joined.outerjoin(content, content.c.listing_id == BOARDS.c.content_listing_id)
    return select(*companies.c, *listed).select_from(joined)


def _insert_one(user_id: int, fields: dict[str, Any]) -> Any:
    """Build the INSERT of a company, unless the user has this board."""
    given = [literal(fields[name], COMPANIES.c[name].type) for name in COMPANY_FIELDS]
    new = _insert(select(literal(user_id), *given, CLOCK.c.at, CLOCK.c.at))
    return _with_listings(new.on_conflict_do_nothing().returning(COMPANIES).cte("new"))


def _merge_all(user_id: int, entries: list[bytes]) -> Any:
    """Build the statement that inserts or updates all entries, and returns how many are new and how many changed."""
    imported = _recordset(entries)
    mine = COMPANIES.c.user_id == user_id
    board = (imported.c.source == COMPANIES.c.source) & (imported.c.board == COMPANIES.c.board)
    optional = [
        func.coalesce(imported.c.enabled, COMPANIES.c.enabled, True),
        func.coalesce(imported.c.include, COMPANIES.c.include, _no_terms()),
        func.coalesce(imported.c.exclude, COMPANIES.c.exclude, _no_terms()),
    ]
    rows = (
        select(literal(user_id), imported.c.source, imported.c.board, imported.c.name, *optional)
        .add_columns(CLOCK.c.at, CLOCK.c.at)
        .select_from(imported.outerjoin(COMPANIES, mine & board).join(CLOCK, true()))
        # Every import inserts and locks boards and companies in this order, so simultaneous ones wait for each other
        # instead of deadlocking.
        .order_by(imported.c.source, imported.c.board)
    )
    merged = _upsert(rows).cte("merged")
    added, changed = (func.count(case((condition, 1))) for condition in (merged.c.is_new, not_(merged.c.is_new)))
    return select(added.label("added"), changed.label("changed"))


def _upsert(rows: Select[Any]) -> ReturningInsert[Any]:
    """Build the statement that inserts new rows, updates companies that differ, and returns ``is_new`` of each."""
    new = _insert(rows)
    names = ("name", "enabled", "include", "exclude")
    before, after = (tuple_(*[columns[name] for name in names]) for columns in (COMPANIES.c, new.excluded))
    return new.on_conflict_do_update(
        constraint="uq_companies_user_id_source_board",
        set_={**{name: new.excluded[name] for name in names}, "updated_at": NOW},
        where=before.is_distinct_from(after),
        # In an inserted row both times are CLOCK's; in a changed one updated_at is later than created_at.
    ).returning((COMPANIES.c.updated_at == COMPANIES.c.created_at).label("is_new"))


def _insert(rows: Select[Any]) -> Insert:
    """Build the INSERT of these rows: ``user_id``, ``COMPANY_FIELDS``, ``created_at`` and ``updated_at``."""
    return insert(COMPANIES).from_select(["user_id", *COMPANY_FIELDS, "created_at", "updated_at"], rows)


def _recordset(entries: list[bytes]) -> FromClause:
    columns: list[ColumnElement[Any]] = [column(name, Text) for name in ("source", "board", "name")]
    columns += [column("enabled", Boolean), column("include", ARRAY(Text)), column("exclude", ARRAY(Text))]
    # In bytes, because a str takes four bytes a character if one of them is an emoji. One document in each line,
    # because PostgreSQL takes 160 MB for a single one of 14 MB.
    lines = func.convert_from(literal(b"\n".join(entries), LargeBinary), "UTF8")
    documents = func.unnest(func.string_to_array(lines, "\n")).table_valued("document", name="documents")
    documents = documents.render_derived()
    record = func.jsonb_to_record(cast(documents.c.document, JSONB)).table_valued(*columns, name="record")
    record = record.render_derived(with_types=True)
    return select(*record.c).select_from(documents.join(record, true())).cte("imported")


def _no_terms() -> ColumnElement[list[str]]:
    return literal([], ARRAY(Text))


def _run_insert(statement: Executable) -> Sequence[Row[Any]]:
    """Execute a statement that inserts companies, and return its rows. Commits.

    Raises TooManyCompanies, and Unauthenticated if the user was removed.
    """
    try:
        return run_statement(statement)
    except IntegrityError as error:
        if isinstance(error.orig, CheckViolation) and error.orig.diag.constraint_name == LIMIT_TRIGGER:
            raise TooManyCompanies from error
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        raise Unauthenticated(USER_REMOVED) from error


def _owned_company(company_id: int, user_id: int) -> list[ColumnElement[bool]]:
    return [COMPANIES.c.company_id == company_id, COMPANIES.c.user_id == user_id]


def _first_or_not_found(rows: Sequence[Row[Any]], company_id: int) -> Row[Any]:
    if not rows:
        raise CompanyNotFound(f"There is no company {company_id}.")
    return rows[0]
