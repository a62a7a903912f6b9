"""Boards and their postings. They are the same for all users."""

from datetime import datetime
from enum import StrEnum, nonmember
from typing import Any
from uuid import UUID

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
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW, OFTEN_UPDATED, status_type
from app.models.company import OUTCOME_VALUES, Outcome


class ReadingState(StrEnum):
    """The state of one reading of a board. Each but READING is the class of an ended listing.

    ``SOURCES`` is the only table of legal moves in Python. The trigger ``listings_move`` is the same table in the
    database; a test compares the two over all pairs.
    """

    READING = "reading"
    """A worker reads the board, or a reading was interrupted and is to be repeated."""

    COMPLETE = "complete"
    """All postings were read. Only such a listing, or an unchanged one, makes a posting missing."""

    UNCHANGED = "unchanged"
    """The board is the same as at its last complete listing, at most 24 hours ago."""

    PARTIAL = "partial"
    """A page, a record without an id, or what exceeds a limit was not read."""

    EMPTY = "empty"
    """The board has no posting, although some are open. Three such listings close them."""

    HELD = "held"
    """The board lacks more than half of its postings. A second, alike listing confirms it."""

    FAILED = "failed"
    """The board could not be read; ``code`` and ``sentence`` give the reason."""

    ENDED = nonmember([COMPLETE, UNCHANGED, PARTIAL, EMPTY, HELD, FAILED])
    """A listing never leaves these."""
    SOURCES = nonmember(
        {
            READING: [],
            COMPLETE: [READING],
            UNCHANGED: [READING],
            PARTIAL: [READING],
            EMPTY: [READING],
            HELD: [READING],
            FAILED: [READING],
        }
    )

    @property
    def sources(self) -> list["ReadingState"]:
        """The states from which a move to this one is legal; none for READING, in which every reading starts."""
        return [ReadingState(source) for source in self.SOURCES[self.value]]


class EventKind(StrEnum):
    """A change in the life of a posting."""

    NEW = "new"
    CHANGED = "changed"
    MISSING = "missing"
    CLOSED = "closed"
    REOPENED = "reopened"


class CloseReason(StrEnum):
    """The evidence that closed a posting."""

    UNSEEN = "unseen"
    """Two complete listings, at least an hour apart, lack it."""

    BOARD_EMPTY = "board_empty"
    """The board was empty three times, over at least a day."""

    BOARD_GONE = "board_gone"
    """The board does not exist any more."""


class Board(Base):
    """One company's list of postings at a source, for all users, with its last listings and its reading's lease."""

    __tablename__ = "boards"
    __table_args__ = (
        UniqueConstraint("source", "board"),
        CheckConstraint("(lease_id IS NULL) = (lease_until IS NULL)", name="lease"),
        Index("ix_boards_look_again_at", "look_again_at", postgresql_where=text("look_again_at IS NOT NULL")),
        Index("ix_boards_lease_until", "lease_until", postgresql_where=text("attempt > 0")),
        {"postgresql_with": OFTEN_UPDATED},
    )

    board_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source: Mapped[str] = mapped_column(String(40))
    """A key of ``app.sources.adapters.registry.SOURCES``."""
    board: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last ended listing, of any class."""
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The end of that listing."""
    failed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time until which the last listing answers, if it failed."""
    content_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last listing that did not fail."""
    content_began_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The begin of that listing."""
    complete_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last complete or unchanged listing."""
    complete_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The end of that listing."""

    etag: Mapped[str | None] = mapped_column(Text)
    """With ``last_modified`` and ``body_hash``, the validators of the complete listing at ``validated_at``."""
    last_modified: Mapped[str | None] = mapped_column(Text)
    body_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    validated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Begin of the listing that the validators come from. NULL: no validators are sent."""
    schema_version: Mapped[int | None] = mapped_column(Integer)
    """The ``Source.schema_version`` of the last reading. A worker with an older one neither claims nor stores."""

    held_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The first of the alike listings that lack more than half of the postings; NULL if no shrink is held."""
    empty_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The first listing of the present row of empty ones."""
    empty_count: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    gone_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The first listing of the present row of 404s and 410s that count."""
    gone_last_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    gone_count: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    gone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which the board counted as gone; NULL if it exists."""
    is_on_hold: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True if the operator lets no listing make a posting missing or closed."""
    is_shrink_allowed: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True if the operator released the board: its next complete listing is not held."""
    look_again_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the next second look, if evidence waits for one."""
    second_look_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the last claim for a second look."""

    lease_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The fencing token, new for each claim: only the latest claim may write."""
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which it may be claimed, if it was snoozed."""
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """Claims since the last ended listing, except those that a rate limit or a shutdown ended."""
    is_second_look: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True if the present claim is a second look, for which no unit waits."""


class Listing(Base):
    """One reading of a board, with its outcome. Only ``services/boards/readings.py`` writes its state."""

    __tablename__ = "listings"
    __table_args__ = (
        CheckConstraint(
            "state IN ('reading', 'complete', 'unchanged', 'partial', 'empty', 'held', 'failed')", name="state"
        ),
        CheckConstraint(f"code IN ({OUTCOME_VALUES})", name="code"),
        CheckConstraint("(state = 'reading') = (ended_at IS NULL) AND (code IS NULL) = (ended_at IS NULL)", name="end"),
        CheckConstraint("(state IN ('reading', 'failed')) = (found IS NULL)", name="found"),
        CheckConstraint("found = new_postings + changed_postings + unchanged_postings", name="sum"),
        CheckConstraint("reopened_postings <= changed_postings + unchanged_postings", name="reopened"),
        Index("uq_listings_one_reading_per_board", "board_id", unique=True, postgresql_where=text("state = 'reading'")),
        Index("ix_listings_board_id_listing_id", "board_id", "listing_id"),
    )

    listing_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    board_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("boards.board_id", ondelete="CASCADE"))
    state: Mapped[ReadingState] = mapped_column(status_type(ReadingState), server_default="reading")
    began_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    """Time of the claim, before its first request."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    code: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    """The outcome in a word, as users and programs get it."""
    sentence: Mapped[str | None] = mapped_column(Text)
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time from which the source accepts requests again, if it named one."""
    is_baseline: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """True for the first listing with content: its postings may be much older."""
    found: Mapped[int | None] = mapped_column(Integer)
    """The postings of the listing, each id once."""
    new_postings: Mapped[int | None] = mapped_column(Integer)
    changed_postings: Mapped[int | None] = mapped_column(Integer)
    unchanged_postings: Mapped[int | None] = mapped_column(Integer)
    reopened_postings: Mapped[int | None] = mapped_column(Integer)
    """Those of the changed and unchanged ones that were closed before."""
    missing_postings: Mapped[int | None] = mapped_column(Integer)
    """The open postings that this listing is the first to lack."""
    closed_postings: Mapped[int | None] = mapped_column(Integer)
    unparsed: Mapped[int | None] = mapped_column(Integer)
    """The records that could not be read. They are no part of ``found``."""
    lacking: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """The open postings that a held listing lacks, by id."""


class PostingRevision(Base):
    """The content of a posting from one change to the next. Immutable.

    A reading stores the revisions before it ends. Those of a reading that never ended belong to no posting.
    """

    __tablename__ = "posting_revisions"
    __table_args__ = (
        CheckConstraint("workplace IN ('remote', 'hybrid', 'on_site')", name="workplace"),
        Index("ix_posting_revisions_listing_id", "listing_id"),
    )

    revision_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    board_id: Mapped[int] = mapped_column(BigInteger)
    listing_id: Mapped[int] = mapped_column(BigInteger)
    """The reading that stored it."""
    external_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    locations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    department: Mapped[str | None] = mapped_column(Text)
    workplace: Mapped[str | None] = mapped_column(String(20))
    employment_type: Mapped[str | None] = mapped_column(Text)
    pay: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    posted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """``posted_at`` and ``updated_at`` come from the source."""
    description: Mapped[str | None] = mapped_column(Text)
    requirements: Mapped[str | None] = mapped_column(Text)
    content_hash: Mapped[int] = mapped_column(BigInteger)
    """The first 8 bytes of SHA-256 over title, places, workplace, type, pay, description and requirements."""
    hash_version: Mapped[int] = mapped_column(SmallInteger)
    simhash: Mapped[int | None] = mapped_column(BigInteger)
    """Describes the size of a change. NULL for texts of fewer than 200 words."""
    changed_fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The fields that differ from the revision before. Empty for the first one, and for a change without an event."""


class Posting(Base):
    """A posting of a board, from its first to its last listing."""

    __tablename__ = "postings"
    __table_args__ = (
        UniqueConstraint("board_id", "external_id"),
        CheckConstraint("(missing_since IS NULL) = (missing_listing_id IS NULL)", name="missing"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_reason IS NULL) AND (closed_at IS NULL) = (closed_listing_id IS NULL)"
            " AND (closed_at IS NULL OR missing_since IS NOT NULL)",
            name="closed",
        ),
        CheckConstraint("missing_listing_id < closed_listing_id", name="two_witnesses"),
        CheckConstraint("closed_reason IN ('unseen', 'board_empty', 'board_gone')", name="closed_reason"),
        Index("ix_postings_open", "board_id", postgresql_where=text("closed_at IS NULL")),
        {"postgresql_with": OFTEN_UPDATED},
    )

    posting_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    board_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("boards.board_id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(255))
    """The source's id of the posting."""
    revision_id: Mapped[int] = mapped_column(BigInteger)
    """Its present content."""
    content_hash: Mapped[int] = mapped_column(BigInteger)
    hash_version: Mapped[int] = mapped_column(SmallInteger)
    first_listing_id: Mapped[int] = mapped_column(BigInteger)
    first_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """Begin of the first listing that had it."""
    is_baseline: Mapped[bool] = mapped_column(Boolean)
    """True if the first listing of the board had it: it is "at least" that old."""
    missing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Begin of the first listing in a row that lacks it; its first witness."""
    missing_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_reason: Mapped[CloseReason | None] = mapped_column(status_type(CloseReason))
    closed_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last witness."""


class PostingEvent(Base):
    """A change in the life of a posting. Append-only."""

    __tablename__ = "posting_events"
    __table_args__ = (
        CheckConstraint("kind IN ('new', 'changed', 'missing', 'closed', 'reopened')", name="kind"),
        Index("ix_posting_events_posting_id_event_id", "posting_id", "event_id"),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    posting_id: Mapped[int] = mapped_column(BigInteger)
    listing_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    kind: Mapped[EventKind] = mapped_column(status_type(EventKind))
    revision_id: Mapped[int] = mapped_column(BigInteger)
    """The posting's content after the event."""
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The fields that changed."""
    reason: Mapped[CloseReason | None] = mapped_column(status_type(CloseReason))
    witness_listing_id: Mapped[int | None] = mapped_column(BigInteger)
    """The first witness of a closing; ``listing_id`` is the last."""


class SourceSwitch(Base):
    """A source whose boards the operator has switched off. A row means off."""

    __tablename__ = "source_switches"

    source: Mapped[str] = mapped_column(String(40), primary_key=True)
    off_since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
