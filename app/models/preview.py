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
    ForeignKeyConstraint,
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
from app.models.company import WORDS_OF_OUTCOME, Outcome


class ListingState(StrEnum):
    """Where one company of a preview is."""

    WAITING = "waiting"
    """Nobody has looked at its board yet."""

    LISTING = "listing"
    """A worker reads its board; after ``lease_until`` another may take it."""

    LISTED = "listed"
    """Its postings are there."""

    FAILED = "failed"
    """They are not; ``outcome`` and ``detail`` say why."""


class Preview(Base):
    """What a user would get with the settings he had then; unfinished until each company is listed or failed."""

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
    """Of the settings it was made from: another hash now means that it is outdated."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    deadline_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """What is not listed by then has failed."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its message was last handed to the broker; NULL until a publish succeeded."""
    next_dispatch_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    """From when on the reconciler may publish its message, should nobody be at work on it."""
    dispatch_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class PreviewCompany(Base):
    """One company of a preview as its settings were then, and what became of it: a unit of work."""

    __tablename__ = "preview_companies"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'listing', 'listed', 'failed')", name="state"),
        CheckConstraint(f"outcome IN ({WORDS_OF_OUTCOME})", name="outcome"),
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
    """1 for the first by name, then without a gap."""
    company_id: Mapped[int] = mapped_column(BigInteger)
    """Which company it was; that may be gone meanwhile."""
    source: Mapped[str] = mapped_column(String(40))
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    state: Mapped[ListingState] = mapped_column(status_type(ListingState), server_default="waiting")
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_id: Mapped[UUID | None] = mapped_column(Uuid)
    """Another one each time that it is taken; only who took it last may write."""
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """From when on it may be taken, where it was put off."""
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """How often it was taken, but for those times that were nobody's fault."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    detail: Mapped[str | None] = mapped_column(Text)
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """From when on the source would answer again, where it said so."""
    is_complete: Mapped[bool | None] = mapped_column(Boolean)
    found: Mapped[int | None] = mapped_column(Integer)
    taken: Mapped[int | None] = mapped_column(Integer)
    unread: Mapped[int | None] = mapped_column(Integer)
    """Records of the board that could not be read."""
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PreviewPosting(Base):
    """One posting that a board offered, and whether the filters take it."""

    __tablename__ = "preview_postings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["preview_id", "position"],
            ["preview_companies.preview_id", "preview_companies.position"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("preview_id", "position", "external_id"),
        CheckConstraint("workplace IN ('remote', 'hybrid', 'on_site')", name="workplace"),
        CheckConstraint("rule_kind IN ('no_filter', 'include', 'exclude', 'not_included')", name="rule_kind"),
        Index("ix_preview_postings_preview_id_posting_id", "preview_id", "posting_id"),
    )

    posting_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    preview_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(Integer)
    external_id: Mapped[str] = mapped_column(String(255))
    """The source's own id."""
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    location: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    workplace: Mapped[str | None] = mapped_column(String(20))
    employment_type: Mapped[str | None] = mapped_column(Text)
    posted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """As the source says, both."""
    description: Mapped[str | None] = mapped_column(Text)
    requirements: Mapped[str | None] = mapped_column(Text)
    taken: Mapped[bool] = mapped_column(Boolean)
    rule_kind: Mapped[str] = mapped_column(String(20))
    rule_term: Mapped[str | None] = mapped_column(Text)
    """The term that decided, where one did."""
