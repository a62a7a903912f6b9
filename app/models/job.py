from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import START_OF_TRANSACTION, status_type


class JobStatus(StrEnum):
    """The result of one posting within its run."""

    PENDING = "pending"
    """Found in a listing, not processed yet."""

    READY = "ready"
    """Ingested, with its text."""

    SKIPPED = "skipped"
    """Already ingested and unchanged since."""

    EXPIRED = "expired"
    """No longer on its company's board."""

    ERROR = "error"
    """Could not be ingested; ``error_message`` gives the reason."""


class Job(Base):
    """A user's copy of a company's posting. A user has one copy, even if several runs find the posting."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'ready', 'skipped', 'expired', 'error')", name="status"),
        UniqueConstraint("user_id", "company", "external_id"),
        Index("idx_jobs_run_status", "run_id", "status"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ingestion_runs.id", ondelete="SET NULL"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    company: Mapped[str] = mapped_column(String(100))
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
