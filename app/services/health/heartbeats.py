"""Heartbeats of the product's parts, stored in PostgreSQL so that reading them never blocks on Redis."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.clock import NOW, seconds_from_now
from app.db.execute import run_statement
from app.extensions import table_of
from app.models import Component, Heartbeat

HEARTBEATS = table_of(Heartbeat)

MAX_AGE_SECONDS = {
    Component.WORKER: 6, Component.PREVIEWER: 6, Component.READER: 6, Component.RECONCILER: 9, Component.REDIS: 9
}
"""A component whose latest heartbeat is older counts as unavailable.

Celery's workers beat every 2 s while their event loop turns. Reconcilers beat after each pass, a little more than
5 s apart, and the broker through them. So a failure shows within 10 s."""

RETENTION_SECONDS = 3600
"""Older heartbeats are deleted."""


def beat(component: Component, instance: str) -> None:
    """Record a heartbeat of this instance, and delete those older than RETENTION_SECONDS. Commits."""
    row = insert(HEARTBEATS).values(component=component, instance=instance, at=NOW)
    run_statement(
        row.on_conflict_do_update(constraint="pk_heartbeats", set_={"at": NOW})
    )
    run_statement(delete(HEARTBEATS).where(HEARTBEATS.c.at < seconds_from_now(-RETENTION_SECONDS)))


def heartbeat_ages() -> dict[Component, timedelta]:
    """Return the age of each component's latest heartbeat; a component without any is left out.

    So is one that this version does not know: during an upgrade, a newer worker may have sent it.
    """
    age = NOW - func.max(HEARTBEATS.c.at)
    ages = select(HEARTBEATS.c.component, age.label("age")).group_by(HEARTBEATS.c.component)
    rows = run_statement(ages.where(HEARTBEATS.c.component.in_(list(Component))))
    return {Component(row.component): row.age for row in rows}
