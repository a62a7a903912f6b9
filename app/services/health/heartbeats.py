"""Signs of life of worker, reconciler and broker, kept in PostgreSQL so that reading them never blocks on Redis."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.execute import run_statement, seconds_from_now
from app.extensions import table_of
from app.models import Component, Heartbeat

HEARTBEATS = table_of(Heartbeat)

MAX_AGE_SECONDS = {Component.WORKER: 6, Component.RECONCILER: 9, Component.REDIS: 9}
"""A component silent for longer counts as away. Workers beat every 2 s in which their event loop has turned;
reconcilers, and through them the broker, every 5 s and a little: an absence shows within 10 s."""

RETENTION_SECONDS = 3600
"""Instances silent for longer are forgotten."""


def beat(component: Component, instance: str) -> None:
    """Note that this instance is well, and forget those long gone. Commits."""
    row = insert(HEARTBEATS).values(component=component, instance=instance, at=func.clock_timestamp())
    run_statement(
        row.on_conflict_do_update(constraint="pk_heartbeats", set_={"at": func.clock_timestamp()})
    )
    run_statement(delete(HEARTBEATS).where(HEARTBEATS.c.at < seconds_from_now(-RETENTION_SECONDS)))


def heartbeat_ages() -> dict[Component, timedelta]:
    """Return for each component how long its liveliest instance has been silent. Changes nothing."""
    silence = func.clock_timestamp() - func.max(HEARTBEATS.c.at)
    rows = run_statement(select(HEARTBEATS.c.component, silence.label("silence")).group_by(HEARTBEATS.c.component))
    return {Component(row.component): row.silence for row in rows}
