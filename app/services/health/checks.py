"""How the product is: what works, what does not, and why."""

from dataclasses import dataclass
from functools import cache

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from app.db.execute import MIGRATIONS_BEHIND, run_statement
from app.errors import DatabaseUnavailable
from app.models import Component
from app.services.health.heartbeats import MAX_AGE_SECONDS, heartbeat_ages

READ_ONLY = "The database can only be read: DATABASE_URL leads to a standby, or it was made read-only."


@dataclass(frozen=True)
class Check:
    """One part of the product: whether it is well, and a sentence if it is not."""

    ok: bool
    reason: str | None = None


def check_database() -> Check:
    """Whether PostgreSQL answers, may be written to, and has every migration. Changes nothing."""
    writable = "current_setting('transaction_read_only') = 'off'"
    try:
        found = run_statement(text(f"SELECT version_num, {writable} AS writable FROM alembic_version"))
    except DatabaseUnavailable as error:
        return Check(False, error.reason)
    if not found or found[0].version_num in older_revisions():
        return Check(False, MIGRATIONS_BEHIND)
    return Check(True) if found[0].writable else Check(False, READ_ONLY)


def check_components() -> dict[str, Check]:
    """Whether broker, worker and reconciler were heard of lately. Changes nothing. Raises DatabaseUnavailable."""
    heard = heartbeat_ages()
    checks: dict[str, Check] = {}
    for component in Component:
        silence = heard[component].total_seconds() if component in heard else None
        fresh = silence is not None and silence <= MAX_AGE_SECONDS[component]
        checks[component] = Check(fresh, None if fresh else _silent(component, silence))
    if not checks[Component.RECONCILER].ok and not checks[Component.REDIS].ok:
        checks[Component.REDIS] = Check(False, "Not known: no reconciler reports on it.")
    return checks


@cache
def older_revisions() -> frozenset[str]:
    """The migrations before the one that this version's code expects.

    One that is not known here at all is newer: the database is migrated before the processes are replaced.
    """
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    return frozenset(script.revision for script in scripts.walk_revisions()) - {scripts.get_current_head() or ""}


def _silent(component: Component, silence: float | None) -> str:
    if silence is None:
        return f"No {component} was ever heard of."
    return f"No sign of the {component} for {silence:.0f} s."
