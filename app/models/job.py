from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.board import CloseReason
from app.models.columns import NOW, OFTEN_UPDATED, START_OF_TRANSACTION, status_type


class JobStatus(StrEnum):
    """The result of a user's runs for a job. This version writes READY and EXPIRED alone."""

    PENDING = "pending"

    READY = "ready"
    """Taken in, and not found to be gone by any run since."""

    SKIPPED = "skipped"

    EXPIRED = "expired"
    """A run found that its posting had gone from the board, by two witnesses."""

    ERROR = "error"


class Job(Base):
    """A user's copy of a company's posting. A user has one copy, even if several runs find the posting."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'ready', 'skipped', 'expired', 'error')", name="status"),
        UniqueConstraint("user_id", "company", "external_id"),
        CheckConstraint("workplace IN ('remote', 'hybrid', 'on_site')", name="workplace"),
        CheckConstraint("expired_at IS NULL OR status = 'expired'", name="expired"),
        Index("idx_jobs_run_status", "run_id", "status"),
        Index("ix_jobs_user_id_id", "user_id", "id"),
        # All that tells if a job is as its posting: jobs are wide, and a company may have 10,000.
        Index(
            "ix_jobs_user_id_board_id",
            "user_id",
            "board_id",
            postgresql_include=["id", "posting_id", "revision_id", "status", "kept_listing_id"],
        ),
        {"postgresql_with": OFTEN_UPDATED},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ingestion_runs.id", ondelete="SET NULL"))
    """The run that last changed it."""
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    company: Mapped[str] = mapped_column(String(100))
    """The key of its board: ``services.jobs.company_key.company_key``."""
    external_id: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(Text)
    status: Mapped[JobStatus] = mapped_column(status_type(JobStatus), server_default="pending")
    title: Mapped[str | None] = mapped_column(Text)
    location: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    requirements: Mapped[str | None] = mapped_column(Text)
    simhash: Mapped[int | None] = mapped_column(BigInteger)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=START_OF_TRANSACTION)
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=START_OF_TRANSACTION)
    company_name: Mapped[str | None] = mapped_column(String(100))
    """The user's name for the company when the job was last written."""
    source: Mapped[str | None] = mapped_column(String(40))
    board_id: Mapped[int | None] = mapped_column(BigInteger)
    posting_id: Mapped[int | None] = mapped_column(BigInteger)
    """The posting that it is a copy of. No foreign keys: the job outlives its posting."""
    revision_id: Mapped[int | None] = mapped_column(BigInteger)
    """The content of the posting that it is a copy of."""
    locations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    department: Mapped[str | None] = mapped_column(Text)
    workplace: Mapped[str | None] = mapped_column(String(20))
    employment_type: Mapped[str | None] = mapped_column(Text)
    pay: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    posted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_baseline: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True if the first taking in of its company brought it: its posting may be much older."""
    expired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    kept_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last witness of the closing that its user declined. Another closing has another one."""


class JobEventKind(StrEnum):
    """A change of a job by a run, or by the answer to its question."""

    NEW = "new"
    CHANGED = "changed"
    EXPIRED = "expired"
    REOPENED = "reopened"


class JobEvent(Base):
    """A change of a job. Append-only."""

    __tablename__ = "job_events"
    __table_args__ = (
        CheckConstraint("kind IN ('new', 'changed', 'expired', 'reopened')", name="kind"),
        CheckConstraint("reason IN ('unseen', 'board_empty', 'board_gone')", name="reason"),
        CheckConstraint(
            "kind <> 'expired' OR (reason IS NOT NULL AND listing_id IS NOT NULL AND witness_listing_id IS NOT NULL"
            " AND witness_listing_id < listing_id)",
            name="two_witnesses",
        ),
        Index("ix_job_events_job_id_event_id", "job_id", "event_id"),
        Index("ix_job_events_run_id_job_id", "run_id", "job_id"),
        Index("ix_job_events_user_id_event_id", "user_id", "event_id"),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job_id: Mapped[int] = mapped_column(Integer, ForeignKey("jobs.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    kind: Mapped[JobEventKind] = mapped_column(status_type(JobEventKind))
    revision_id: Mapped[int] = mapped_column(BigInteger)
    """The job's content after the event."""
    listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The listing that it follows from; for an expired job the last witness."""
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The fields that changed."""
    is_baseline: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True for a new job of the first taking in of a company, or of the first after its filters changed."""
    reason: Mapped[CloseReason | None] = mapped_column(status_type(CloseReason))
    witness_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The first witness of an expired job."""
