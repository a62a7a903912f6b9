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
    SmallInteger,
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
    """Started and committed; no worker has begun it."""

    INITIALIZING = "initializing"
    """Begun by a worker. Its companies wait for listings of their boards."""

    INGESTING = "ingesting"
    """Each board is read or given up. Workers take in one company after the other."""

    FINISHED = "finished"
    """Done; the counts are final."""

    ERROR = "error"
    """Ended because no board could be read, or because it could not go on; ``error_message`` gives the reason."""

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
        CheckConstraint(
            "status <> 'finished' OR coalesce(companies_total, 0) = 0 OR total_jobs = jobs_ready + jobs_skipped",
            name="sum",
        ),
        Index(
            "ix_ingestion_runs_due",
            "next_dispatch_at",
            postgresql_where=text("status IN ('pending', 'initializing', 'ingesting')"),
        ),
        Index(
            "ix_ingestion_runs_turn",
            text("last_claim_at NULLS FIRST"),
            "id",
            postgresql_where=text("status IN ('initializing', 'ingesting')"),
        ),
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
    """Time from which the reconciler publishes the run's message, if something can be done for the run."""
    dispatch_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Number of successful publishes; the backoff grows with it."""
    preview_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("previews.preview_id", ondelete="SET NULL"))
    """The preview from which it was started; NULL if there was none, or if it was removed since."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    """The Idempotency-Key of its start; NULL if there was none."""
    request_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of the body of that start."""
    companies_total: Mapped[int | None] = mapped_column(Integer)
    """Number of companies that the start froze; NULL for runs that ended before companies were frozen."""
    deadline_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which boards that are still unread are given up; NULL until a worker has begun the run."""
    last_claim_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which a board was last claimed for it. Previews and runs take turns by it."""
    worker_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which a worker last worked on it; NULL if none has begun it."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """Messages received since the last company was decided on or taken in. A company that crashes its workers is given
    up."""
    retry_of: Mapped[int | None] = mapped_column(Integer)
    """The run whose failed companies this one repeats. No foreign key: the number stays true."""
    previewed: Mapped[int | None] = mapped_column(Integer)
    """Number of postings that matched in its preview; NULL without a finished preview."""
    note: Mapped[str | None] = mapped_column(Text)
    """A sentence about the run as a whole, for its user."""
