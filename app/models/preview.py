from datetime import datetime
from enum import StrEnum, nonmember

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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW, status_type
from app.models.company import OUTCOME_VALUES, Outcome


class UnitState(StrEnum):
    """The state of one company of a preview.

    ``SOURCES`` is the only table of legal moves in Python. The trigger ``preview_companies_move`` is the same table in
    the database; a test compares the two over all pairs.
    """

    WAITING = "waiting"
    """It waits for a listing of its board."""

    READ = "read"
    """A listing has answered it. The filters are to be applied to the board's postings."""

    LISTED = "listed"
    """Its postings are stored."""

    FAILED = "failed"
    """Its board could not be listed; ``outcome`` and ``detail`` give the reason."""

    UNFINISHED = nonmember([WAITING, READ])
    """A preview with a company in one of these is unfinished."""
    SOURCES = nonmember({WAITING: [], READ: [WAITING], LISTED: [READ], FAILED: [WAITING, READ]})

    @property
    def sources(self) -> list["UnitState"]:
        """The states from which a move to this one is legal; none for WAITING, in which every company starts."""
        return [UnitState(source) for source in self.SOURCES[self.value]]


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
        Index(
            "ix_previews_turn",
            text("last_claim_at NULLS FIRST"),
            "preview_id",
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    preview_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    settings_hash: Mapped[str] = mapped_column(CHAR(64))
    """Hash of the settings at the start of the preview. If the current hash differs, the preview is outdated."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    deadline_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """Companies that are not listed by then have failed."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the last publish of its message; NULL if none has succeeded."""
    next_dispatch_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    """Time from which the reconciler publishes its message."""
    dispatch_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    is_refresh: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True if its user asked for listings that are at most a minute old."""
    last_claim_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which a board was last claimed for it. Previews take turns by it."""


class PreviewCompany(Base):
    """One company of a preview, with its settings at the start of the preview: it waits for a listing of its board."""

    __tablename__ = "preview_companies"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'read', 'listed', 'failed')", name="state"),
        CheckConstraint(f"outcome IN ({OUTCOME_VALUES})", name="outcome"),
        CheckConstraint("state IN ('waiting', 'failed') OR listing_id IS NOT NULL", name="listing"),
        CheckConstraint(
            "(state IN ('listed', 'failed')) = (outcome IS NOT NULL) AND (outcome IS NULL) = (listed_at IS NULL)",
            name="outcome_iff_done",
        ),
        Index(
            "ix_preview_companies_waiting",
            "preview_id",
            "position",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_preview_companies_waiting_source",
            "preview_id",
            "source",
            "position",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_preview_companies_waiting_board", "board_id", postgresql_where=text("state = 'waiting'")),
    )

    preview_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("previews.preview_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """1 for the first company by name; without gaps."""
    company_id: Mapped[int] = mapped_column(BigInteger)
    """The company, which may have been removed since."""
    board_id: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(40))
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    state: Mapped[UnitState] = mapped_column(status_type(UnitState), server_default="waiting")
    fresh_after: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """A listing that began at this time or later answers it."""
    listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The listing that answered it."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    detail: Mapped[str | None] = mapped_column(Text)
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which the source accepts requests again, if it named one."""
    is_complete: Mapped[bool | None] = mapped_column(Boolean)
    found: Mapped[int | None] = mapped_column(Integer)
    matched: Mapped[int | None] = mapped_column(Integer)
    unparsed: Mapped[int | None] = mapped_column(Integer)
    """Number of records of the board that could not be parsed."""
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PreviewPosting(Base):
    """One posting of a board as the preview saw it, with the decision of the filters. Its content is its revision.

    It has no foreign key: it may outlive its preview for a while (``RemovedPreview``).
    """

    __tablename__ = "preview_postings"
    __table_args__ = (
        CheckConstraint("rule_kind IN ('no_filter', 'include', 'exclude', 'not_included')", name="rule_kind"),
    )

    preview_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    posting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer)
    revision_id: Mapped[int] = mapped_column(BigInteger)
    matched: Mapped[bool] = mapped_column(Boolean)
    rule_kind: Mapped[str] = mapped_column(String(20))
    rule_term: Mapped[str | None] = mapped_column(Text)
    """The term that decided, if any."""


class RemovedPreview(Base):
    """A preview that was removed, and whose postings are still to be removed. A trigger on ``previews`` inserts it."""

    __tablename__ = "removed_previews"

    preview_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
