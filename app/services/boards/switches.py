"""The switches of sources: the operator switches off a source whose vendor complains. A row means off."""

import structlog
from sqlalchemy import ColumnElement, bindparam, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from app.db.execute import run_statement
from app.extensions import table_of
from app.models import SourceSwitch

log = structlog.get_logger(__name__)

SWITCHES = table_of(SourceSwitch)

INSERT_SWITCH = (
    insert(SWITCHES).values(source=bindparam("source")).on_conflict_do_nothing().returning(SWITCHES.c.source)
)
DELETE_SWITCH = delete(SWITCHES).where(SWITCHES.c.source == bindparam("source")).returning(SWITCHES.c.source)


def switch_off(source: str) -> bool:
    """Switch a source off: no board of it is read from now on. Commits. Return False if it was off already."""
    is_changed = bool(run_statement(INSERT_SWITCH, source=source))
    log.info("source switched off", source=source, changed=is_changed)
    return is_changed


def switch_on(source: str) -> bool:
    """Switch a source on again. Commits. Return False if it was on already."""
    is_changed = bool(run_statement(DELETE_SWITCH, source=source))
    log.info("source switched on", source=source, changed=is_changed)
    return is_changed


def switched_off() -> frozenset[str]:
    """Return the keys of the sources that are switched off."""
    return frozenset(row.source for row in run_statement(select(SWITCHES.c.source)))


def is_on_condition(source: ColumnElement[str]) -> ColumnElement[bool]:
    """Build the SQL condition that the source in this column is not switched off."""
    return ~exists().where(SWITCHES.c.source == source)
