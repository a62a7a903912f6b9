from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW

MAX_COMPANY_NAME_LENGTH = 100

MAX_COMPANIES = 1000
"""The most companies of one user. The trigger ``companies_limit`` refuses more, however many requests come at once."""


class Outcome(StrEnum):
    """The outcome of listing a board."""

    OK = "ok"
    """The board has postings."""

    EMPTY = "empty"
    """The board exists and has no postings."""

    PARTIAL = "partial"
    """Some of the board was not read."""

    HELD = "held"
    """The board lacks many of its postings. A second reading must confirm it."""

    NOT_FOUND = "not_found"
    """There is no such board."""

    GONE = "gone"
    """The source reports that the board was permanently removed (410)."""

    FORBIDDEN = "forbidden"
    """The source refuses access to the board."""

    THROTTLED = "throttled"
    """The source's rate limit was exceeded."""

    CHANGED = "changed"
    """The response has an unknown format."""

    UNREACHABLE = "unreachable"
    """There was no response or a broken one, or the source failed."""

    MOVED = "moved"
    """The board has moved to another address."""

    OUT_OF_TIME = "out_of_time"
    """The board was not listed in time, or this product failed to list it."""


OUTCOME_VALUES = ", ".join(f"'{outcome}'" for outcome in Outcome)
"""The values as SQL, for the CHECKs."""


class Company(Base):
    """A board that a user chose, with their name for it and their filters."""

    __tablename__ = "companies"
    __table_args__ = (
        UniqueConstraint("user_id", "source", "board"),
        Index("ix_companies_board_id", "board_id"),
        Index("ix_companies_user_id_board_id", "user_id", "board_id"),
    )

    company_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    board_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("boards.board_id"))
    """The board of this source and name, for all users. The trigger ``companies_set_board`` finds or inserts it."""
    source: Mapped[str] = mapped_column(String(40))
    """A key of ``app.sources.adapters.registry.SOURCES``."""
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(MAX_COMPANY_NAME_LENGTH))
    enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    """True if previews and runs include it."""
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
