"""The statement that starts a run: it inserts the run and freezes its companies, all in one snapshot."""

from typing import Any

from flask import current_app
from sqlalchemy import (
    ColumnElement,
    Float,
    FromClause,
    Insert,
    Integer,
    LargeBinary,
    Select,
    String,
    Update,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.config.settings import Settings
from app.db.clock import NOW, seconds_from_now
from app.db.execute import inline_literals, run_statement
from app.extensions import table_of
from app.models import Company, RunCompany, RunCompanyState, RunStatus
from app.services.accounts import users
from app.services.publisher import FIRST_PUBLISH_SECONDS
from app.services.runs import idempotency
from app.services.runs.audit_context import AUDIT_CONTEXT, Actor, audit_context
from app.services.runs.queries import CURRENT, OWNER, RUNS

COMPANIES = table_of(Company)
UNITS = table_of(RunCompany)
EARLIER = UNITS.alias("earlier")

NO_COMPANY = "No company was enabled, so there was nothing to ingest."
"""The note of a run without companies."""

SNAPSHOT = ("company_id", "board_id", "source", "board", "name", "include", "exclude")
"""The columns of a company that a run freezes. Queries of companies to freeze have them, and ``previewed``."""


def starting(
    companies: Select[Any],
    *conditions: ColumnElement[bool],
    preview_id: ColumnElement[Any] = null(),
    previewed: ColumnElement[Any] = null(),
    retry_of: ColumnElement[Any] = null(),
) -> Select[Any]:
    """Build the statement that starts a run of these companies, and returns its id. Commits where it is executed.

    It starts none unless the conditions hold, the user is there, no run is active, and the key is unused. NOT EXISTS
    refuses the usual second start cheaply and uses up no id. ON CONFLICT refuses a simultaneous start, which NOT EXISTS
    cannot see yet. A start without a key passes: nothing equals NULL.

    No row of ``boards`` is locked or written, so nobody waits for a board that is being stored.
    """
    chosen = companies.cte("chosen")
    number = select(func.count()).select_from(chosen).scalar_subquery()
    unused = idempotency.is_unused(OWNER, bindparam("key", type_=String))
    row = select(
        OWNER,
        NOW,
        seconds_from_now(FIRST_PUBLISH_SECONDS),
        preview_id,
        bindparam("key", type_=String),
        bindparam("fingerprint", type_=LargeBinary),
        number,
        case((number == 0, NO_COMPANY)),
        previewed,
        retry_of,
    ).where(~CURRENT.exists(), unused, users.exists(OWNER), AUDIT_CONTEXT, *conditions)
    columns = ["user_id", "created_at", "next_dispatch_at", "preview_id", "idempotency_key", "request_fingerprint"]
    columns += ["companies_total", "note", "previewed", "retry_of"]
    new = insert(RUNS).from_select(columns, row).on_conflict_do_nothing().returning(RUNS.c.id).cte("new")

    return select(new.c.id.label("started_run_id")).add_cte(_freeze(new, chosen).cte("frozen"))


def freeze_late(run_id: int) -> bool:
    """Freeze the enabled companies of a pending run that was started without them, and return whether it did. Commits.

    During an upgrade, web processes of an earlier version start such runs.
    """
    settings: Settings = current_app.config["SETTINGS"]
    return bool(run_statement(FREEZE_LATE, late_run=run_id, fresh_seconds=settings.board_times.fresh))


def parameters(user_id: int, key: str | None, fingerprint: bytes) -> dict[str, Any]:
    """Return the parameters that all these statements have."""
    settings: Settings = current_app.config["SETTINGS"]
    return {
        "owner": user_id,
        "key": key,
        "fingerprint": None if key is None else fingerprint,
        "fresh_seconds": settings.board_times.fresh,
        **audit_context(Actor.USER),
    }


def _freeze(run: FromClause, chosen: FromClause) -> Insert:
    """Build the INSERT of these companies as those of the run."""
    position = func.row_number().over(order_by=[func.lower(chosen.c.name), chosen.c.company_id])
    fresh_after = select(seconds_from_now(-bindparam("fresh_seconds", type_=Float))).scalar_subquery()
    frozen = [chosen.c[name] for name in (*SNAPSHOT, "previewed")]
    units = select(run.c.id, position, fresh_after, ~_has_same_filters(chosen.c), *frozen)
    names = ["run_id", "position", "fresh_after", "is_baseline", *SNAPSHOT, "previewed"]
    return insert(UNITS).from_select(names, units.select_from(run.join(chosen, true())))


def _freeze_late() -> Update:
    """Build the statement of ``freeze_late``. The lock makes two workers freeze once."""
    unfrozen = (
        select(RUNS.c.id, RUNS.c.user_id)
        .where(RUNS.c.id == bindparam("late_run", type_=Integer), RUNS.c.companies_total.is_(None))
        .where(RUNS.c.status.in_(inline_literals([RunStatus.PENDING])))
        .with_for_update(key_share=True)
        .cte("unfrozen")
    )
    columns = [COMPANIES.c[name] for name in SNAPSHOT]
    enabled = select(*columns, cast(null(), Integer).label("previewed")).where(COMPANIES.c.enabled)
    chosen = enabled.where(COMPANIES.c.user_id == select(unfrozen.c.user_id).scalar_subquery()).cte("chosen")
    number = select(func.count()).select_from(chosen).scalar_subquery()
    frozen = _freeze(unfrozen, chosen).cte("frozen")
    late = update(RUNS).where(RUNS.c.id == unfrozen.c.id).add_cte(frozen)
    return late.values(companies_total=number, note=case((number == 0, NO_COMPANY))).returning(RUNS.c.id)


def _has_same_filters(company: Any) -> ColumnElement[bool]:
    """Build the condition that the company was taken in before, the last time with the filters of now.

    One search in ``ix_run_companies_taken_in`` for each company.
    """
    same = (EARLIER.c.include == company.include) & (EARLIER.c.exclude == company.exclude)
    is_taken_in = EARLIER.c.state.in_(inline_literals([RunCompanyState.TAKEN_IN]))
    last = select(same).where(EARLIER.c.company_id == company.company_id, is_taken_in)
    return func.coalesce(last.order_by(EARLIER.c.run_id.desc()).limit(1).scalar_subquery(), False)


FREEZE_LATE = _freeze_late()
