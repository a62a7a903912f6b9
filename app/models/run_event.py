from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import status_type
from app.models.ingestion_run import RunStatus


class RunEvent(Base):
    """One change of a run's status. Only a trigger writes it, in the transaction of the change."""

    __tablename__ = "run_events"

    run_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ingestion_runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """1 for the start; without gaps."""
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    from_status: Mapped[RunStatus | None] = mapped_column(status_type(RunStatus))
    """NULL for the start."""
    to_status: Mapped[RunStatus] = mapped_column(status_type(RunStatus))
    actor: Mapped[str] = mapped_column(Text)
    """The party that changed the status: user, operator, worker, rescue; ``sql:ROLE`` for a statement typed by hand."""
    request_id: Mapped[str | None] = mapped_column(Text)
    """The ``X-Request-ID`` of the request that changed the status, if any."""
