from datetime import datetime
from enum import StrEnum, nonmember

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW, START_OF_TRANSACTION, status_type

MAX_RUN_ID = 2**31 - 1
"""The largest id that the SERIAL column can hold."""


class RunStatus(StrEnum):
    """The status of a run.

    ``SOURCES`` is the only table of legal moves in Python. The trigger ``ingestion_runs_move`` is the same table in the
    database; a test compares the two over all 36 pairs.
    """

    PENDING = "pending"
    """Started and committed, not yet claimed by a worker."""

    INITIALIZING = "initializing"
    """Claimed by a worker, which determines the work to do."""

    INGESTING = "ingesting"
    """The worker ingests postings. It ends the run as finished or in error."""

    FINISHED = "finished"
    """Done; the counts are final."""

    ERROR = "error"
    """Ended by its worker, or by the rescue of a run whose worker died; ``error_message`` gives the reason."""

    ABORTED = "aborted"
    """Ended by its user or the operator, from any active status."""

    TERMINAL = nonmember([FINISHED, ERROR, ABORTED])
    """A run never leaves these."""
    ACTIVE = nonmember([PENDING, INITIALIZING, INGESTING])
    SOURCES = nonmember(
        {
            PENDING: [],
            INITIALIZING: [PENDING],
            INGESTING: [INITIALIZING],
            FINISHED: [INGESTING],
            ERROR: [PENDING, INITIALIZING, INGESTING],
            ABORTED: [PENDING, INITIALIZING, INGESTING],
        }
    )

    @property
    def is_active(self) -> bool:
        """True if the run may still change."""
        return self.value in self.ACTIVE

    @property
    def sources(self) -> list["RunStatus"]:
        """The statuses from which a move to this one is legal; none for pending, in which every run starts."""
        return [RunStatus(source) for source in self.SOURCES[self.value]]


class IngestionRun(Base):
    """One ingestion run. Only ``app/services/runs/transitions.py`` writes its status."""

    __tablename__ = "ingestion_runs"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'initializing', 'ingesting', 'finished', 'error', 'aborted')", name="status"
        ),
        CheckConstraint(
            "(status IN ('finished', 'error', 'aborted')) = (finished_at IS NOT NULL)", name="finished_at_iff_terminal"
        ),
        Index(
            "uq_ingestion_runs_one_active_per_user",
            "user_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'initializing', 'ingesting')"),
        ),
        Index("ix_ingestion_runs_due", "next_dispatch_at", postgresql_where=text("status = 'pending'")),
        Index("ix_ingestion_runs_user_id_id", "user_id", "id"),
        Index("ix_ingestion_runs_user_id_status_id", "user_id", "status", "id"),
        Index("ix_ingestion_runs_preview_id", "preview_id"),
        CheckConstraint("(idempotency_key IS NULL) = (request_fingerprint IS NULL)", name="fingerprint_iff_key"),
        Index(
            "uq_ingestion_runs_user_id_idempotency_key",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    status: Mapped[RunStatus] = mapped_column(status_type(RunStatus), server_default="pending")
    total_jobs: Mapped[int | None] = mapped_column(Integer, server_default=text("0"))
    jobs_ready: Mapped[int | None] = mapped_column(Integer)
    jobs_skipped: Mapped[int | None] = mapped_column(Integer)
    jobs_expired: Mapped[int | None] = mapped_column(Integer)
    jobs_failed: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=START_OF_TRANSACTION)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error_message: Mapped[str | None] = mapped_column(Text)
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the last publish of the run's message; NULL if none has succeeded. Columns call a publish a dispatch."""
    next_dispatch_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    """Time from which the reconciler publishes the run's message, if the run is still pending."""
    dispatch_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Number of successful publishes; the backoff grows with it."""
    preview_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("previews.preview_id", ondelete="SET NULL"))
    """The preview from which it was started; NULL if there was none, or if it was removed since."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    """The Idempotency-Key of its start; NULL if there was none."""
    request_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of the body of that start."""
