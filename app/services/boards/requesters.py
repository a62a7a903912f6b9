"""Requesters: the previews and runs whose units wait for listings of boards."""

from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Table, and_

from app.db.clock import NOW
from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import IngestionRun, Preview, PreviewCompany, RunCompany, RunStatus

PREVIEWS = table_of(Preview)
RUNS = table_of(IngestionRun)

IS_PREVIEW_UNFINISHED = PREVIEWS.c.finished_at.is_(None)
IS_RUN_UNDER_WAY = RUNS.c.status.in_(inline_literals([RunStatus.INITIALIZING, RunStatus.INGESTING]))


@dataclass(frozen=True)
class Requesters:
    """The requesters of one kind, and their units: the companies that they froze when they began."""

    table: Table
    units: Table
    key: Column[int]
    """The id of a requester."""
    unit_key: Column[int]
    """The same id, in the table of units."""
    is_unfinished: ColumnElement[bool]
    """The condition of the partial index of turns: the requester may take listings."""

    @property
    def is_under_way(self) -> ColumnElement[bool]:
        """The SQL condition that a requester still takes listings: it is unfinished, and its deadline has not come."""
        return and_(self.is_unfinished, self.table.c.deadline_at > NOW)

    @property
    def id_name(self) -> str:
        """The name of the column with their id, in the table of units and in results."""
        return str(self.unit_key.name)


PREVIEW_UNITS = table_of(PreviewCompany)
RUN_UNITS = table_of(RunCompany)
PREVIEW_REQUESTERS = Requesters(
    PREVIEWS, PREVIEW_UNITS, PREVIEWS.c.preview_id, PREVIEW_UNITS.c.preview_id, IS_PREVIEW_UNFINISHED
)
RUN_REQUESTERS = Requesters(RUNS, RUN_UNITS, RUNS.c.id, RUN_UNITS.c.run_id, IS_RUN_UNDER_WAY)
REQUESTERS = (PREVIEW_REQUESTERS, RUN_REQUESTERS)
"""All kinds. Both kinds of units call their first state ``waiting``."""
