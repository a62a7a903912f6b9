"""The health checks behind ``/readyz``."""

from dataclasses import dataclass
from functools import cache

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from app.db.execute import MIGRATIONS_BEHIND, run_statement
from app.errors import DatabaseUnavailable
from app.models import Component
from app.services.boards.queries import oldest_waiting_age
from app.services.health.heartbeats import MAX_AGE_SECONDS, heartbeat_ages

READ_ONLY = "The database is read-only: DATABASE_URL leads to a standby, or it was made read-only."

MAX_WAITING_SECONDS = 300
"""The most seconds for which a company of a preview or run may wait for its board. Beyond, the product is degraded."""


@dataclass(frozen=True)
class Check:
    """The result of one check; ``reason`` is a sentence for the operator if it failed."""

    ok: bool
    reason: str | None = None


def check_database() -> Check:
    """Check that PostgreSQL answers, accepts writes, and has every migration."""
    writable = "current_setting('transaction_read_only') = 'off'"
    try:
        rows = run_statement(text(f"SELECT version_num, {writable} AS writable FROM alembic_version"))
    except DatabaseUnavailable as error:
        return Check(False, error.reason)
    if not rows or rows[0].version_num in older_revisions():
        return Check(False, MIGRATIONS_BEHIND)
    return Check(True) if rows[0].writable else Check(False, READ_ONLY)


def check_components() -> dict[str, Check]:
    """Check that each component has a recent heartbeat. Raises DatabaseUnavailable."""
    ages = heartbeat_ages()
    checks: dict[str, Check] = {}
    for component in Component:
        age = ages[component].total_seconds() if component in ages else None
        is_fresh = age is not None and age <= MAX_AGE_SECONDS[component]
        checks[component] = Check(is_fresh, None if is_fresh else _silence(component, age))
    if not checks[Component.RECONCILER].ok and not checks[Component.REDIS].ok:
        checks[Component.REDIS] = Check(False, "Unknown: no reconciler reports on it.")
    return checks


def check_boards() -> Check:
    """Check that no company of a preview or run waits too long for its board. Raises DatabaseUnavailable."""
    age = oldest_waiting_age().total_seconds()
    if age <= MAX_WAITING_SECONDS:
        return Check(True)
    return Check(False, f"A company of a preview or run has waited for its job board for {age:.0f} s.")


@cache
def older_revisions() -> frozenset[str]:
    """Return the migrations before the one that this version of the code expects.

    An unknown revision is a newer one, because an upgrade migrates the database before it replaces the processes.
    """
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    return frozenset(script.revision for script in scripts.walk_revisions()) - {scripts.get_current_head() or ""}


def _silence(component: Component, age: float | None) -> str:
    if age is None:
        return f"No heartbeat of the {component} in the last hour."
    return f"No heartbeat of the {component} for {age:.0f} s."
