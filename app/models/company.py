from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import status_type

MAX_COMPANY_NAME_LENGTH = 100

MAX_COMPANIES = 1000
"""The most companies of one user. The trigger ``companies_limit`` refuses more, however many requests come at once."""


class Outcome(StrEnum):
    """The outcome of listing a board."""

    OK = "ok"
    """The board has postings."""

    EMPTY = "empty"
    """The board exists and has no postings."""

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
    """A board that a user chose, with their filters and the outcome of its last listing."""

    __tablename__ = "companies"
    __table_args__ = (
        UniqueConstraint("user_id", "source", "board"),
        CheckConstraint(f"outcome IN ({OUTCOME_VALUES})", name="outcome"),
        CheckConstraint("(listed_at IS NULL) = (outcome IS NULL)", name="listed_at_iff_outcome"),
    )

    company_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(40))
    """A key of ``app.sources.adapters.registry.SOURCES``."""
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(MAX_COMPANY_NAME_LENGTH))
    enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    """True if previews and runs include it."""
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the last listing, successful or failed; NULL if there was none."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    outcome_detail: Mapped[str | None] = mapped_column(Text)
    postings: Mapped[int | None] = mapped_column(Integer)
    etag: Mapped[str | None] = mapped_column(Text)
    """With ``last_modified``, the validators of the listing at ``listed_at``, for the next conditional request."""
    last_modified: Mapped[str | None] = mapped_column(Text)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time at which these postings were last read in full, not confirmed by a 304. NULL: no validators are sent."""
    schema_version: Mapped[int | None] = mapped_column(Integer)
    """The ``Source.schema_version`` with which the postings were parsed."""
