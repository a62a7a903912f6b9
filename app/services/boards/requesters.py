"""Requesters: the previews and runs whose units wait for listings of boards."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Table, and_

from app.db.clock import NOW
from app.db.execute import inline_literals
from app.extensions import table_of
from app.models import IngestionRun, Preview, PreviewCompany, RunCompany, RunStatus

PREVIEWS = table_of(Preview)
RUNS = table_of(IngestionRun)
PREVIEW_UNITS = table_of(PreviewCompany)
RUN_UNITS = table_of(RunCompany)


@dataclass(frozen=True)
class Requesters:
    """The requesters of one kind, and their units: the companies that they froze when they began."""

    table: Table
    units: Table
    key: Column[int]
    """The id of a requester."""
    unit_key: Column[int]
    """The same id, in the table of units."""
    begun_at: Column[datetime]
    """The time from which its boards are wanted."""
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


PREVIEW_REQUESTERS = Requesters(
    table=PREVIEWS,
    units=PREVIEW_UNITS,
    key=PREVIEWS.c.preview_id,
    unit_key=PREVIEW_UNITS.c.preview_id,
    begun_at=PREVIEWS.c.created_at,
    is_unfinished=PREVIEWS.c.finished_at.is_(None),
)
RUN_REQUESTERS = Requesters(
    table=RUNS,
    units=RUN_UNITS,
    key=RUNS.c.id,
    unit_key=RUN_UNITS.c.run_id,
    begun_at=RUNS.c.started_at,
    is_unfinished=RUNS.c.status.in_(inline_literals([RunStatus.INITIALIZING, RunStatus.INGESTING])),
)
REQUESTERS = (PREVIEW_REQUESTERS, RUN_REQUESTERS)
"""All kinds. Both kinds of units call their first state ``waiting``."""
