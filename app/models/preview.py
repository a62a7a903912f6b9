from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CHAR,
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
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import status_type
from app.models.company import OUTCOME_VALUES, Outcome


class ListingState(StrEnum):
    """The state of one company of a preview."""

    WAITING = "waiting"
    """Its board waits to be claimed."""

    LISTING = "listing"
    """A worker is reading its board; after ``lease_until`` another worker may claim it."""

    LISTED = "listed"
    """Its postings are stored."""

    FAILED = "failed"
    """Its board could not be listed; ``outcome`` and ``detail`` give the reason."""


class Preview(Base):
    """The postings that a run with these settings would get. Unfinished until each company is listed or failed."""

    __tablename__ = "previews"
    __table_args__ = (
        Index("ix_previews_user_id_preview_id", "user_id", "preview_id"),
        Index(
            "uq_previews_one_unfinished_per_user",
            "user_id",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index("ix_previews_due", "next_dispatch_at", postgresql_where=text("finished_at IS NULL")),
    )

    preview_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    settings_hash: Mapped[str] = mapped_column(CHAR(64))
    """Hash of the settings at the start of the preview. If the current hash differs, the preview is outdated."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    deadline_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """Companies that are not listed by then have failed."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the last publish of its message; NULL if none has succeeded."""
    next_dispatch_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    """Time from which the reconciler publishes its message, if a company can be claimed."""
    dispatch_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class PreviewCompany(Base):
    """One company of a preview, with its settings at the start of the preview: a unit of work and its result."""

    __tablename__ = "preview_companies"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'listing', 'listed', 'failed')", name="state"),
        CheckConstraint(f"outcome IN ({OUTCOME_VALUES})", name="outcome"),
        CheckConstraint("(state = 'listing') = (lease_until IS NOT NULL)", name="lease_iff_listing"),
        CheckConstraint(
            "(state IN ('listed', 'failed')) = (outcome IS NOT NULL) AND (outcome IS NULL) = (listed_at IS NULL)",
            name="outcome_iff_done",
        ),
    )

    preview_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("previews.preview_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """1 for the first company by name; without gaps."""
    company_id: Mapped[int] = mapped_column(BigInteger)
    """The company, which may have been removed since."""
    source: Mapped[str] = mapped_column(String(40))
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    state: Mapped[ListingState] = mapped_column(status_type(ListingState), server_default="waiting")
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The fencing token, new for each claim: only the latest claim may write."""
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which it may be claimed, if it was snoozed."""
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Number of claims, except those that a rate limit or a shutdown ended."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    detail: Mapped[str | None] = mapped_column(Text)
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which the source accepts requests again, if it named one."""
    is_complete: Mapped[bool | None] = mapped_column(Boolean)
    found: Mapped[int | None] = mapped_column(Integer)
    taken: Mapped[int | None] = mapped_column(Integer)
    unread: Mapped[int | None] = mapped_column(Integer)
    """Number of records of the board that could not be parsed."""
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PreviewPosting(Base):
    """One posting of a board, with the decision of the filters.

    It has no foreign key: it may outlive its preview for a while (``RemovedPreview``).
    """

    __tablename__ = "preview_postings"
    __table_args__ = (
        UniqueConstraint("preview_id", "position", "external_id"),
        CheckConstraint("workplace IN ('remote', 'hybrid', 'on_site')", name="workplace"),
        CheckConstraint("rule_kind IN ('no_filter', 'include', 'exclude', 'not_included')", name="rule_kind"),
        Index("ix_preview_postings_preview_id_posting_id", "preview_id", "posting_id"),
    )

    posting_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    preview_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(Integer)
    external_id: Mapped[str] = mapped_column(String(255))
    """The source's id of the posting."""
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    location: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    workplace: Mapped[str | None] = mapped_column(String(20))
    employment_type: Mapped[str | None] = mapped_column(Text)
    posted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """``posted_at`` and ``updated_at`` come from the source."""
    description: Mapped[str | None] = mapped_column(Text)
    requirements: Mapped[str | None] = mapped_column(Text)
    taken: Mapped[bool] = mapped_column(Boolean)
    rule_kind: Mapped[str] = mapped_column(String(20))
    rule_term: Mapped[str | None] = mapped_column(Text)
    """The term that decided, if any."""


class RemovedPreview(Base):
    """A preview that was removed, and whose postings are still to be removed. A trigger on ``previews`` inserts it."""

    __tablename__ = "removed_previews"

    preview_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
