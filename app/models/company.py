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
"""Of one user. A fence against floods and no more: adding at the very same moment may go a little past it."""


class Outcome(StrEnum):
    """What became of listing a board."""

    OK = "ok"
    """There are postings."""

    EMPTY = "empty"
    """The board is there and offers nothing."""

    NOT_FOUND = "not_found"
    """There is no such board."""

    GONE = "gone"
    """There was one, and the source says that it is gone for good."""

    FORBIDDEN = "forbidden"
    """The source does not let us read it."""

    THROTTLED = "throttled"
    """The source asks us to come back later."""

    CHANGED = "changed"
    """The answer has a form that we do not know."""

    UNREACHABLE = "unreachable"
    """No answer, a broken one, or a fault of the source or of ours."""

    MOVED = "moved"
    """The board is under another address now."""

    OUT_OF_TIME = "out_of_time"
    """There was no time left for it."""


WORDS_OF_OUTCOME = ", ".join(f"'{word}'" for word in Outcome)


class Company(Base):
    """A board that a user has chosen, with his filters, and what became of it the last time it was listed."""

    __tablename__ = "companies"
    __table_args__ = (
        UniqueConstraint("user_id", "source", "board"),
        CheckConstraint(f"outcome IN ({WORDS_OF_OUTCOME})", name="outcome"),
        CheckConstraint("(listed_at IS NULL) = (outcome IS NULL)", name="listed_at_iff_outcome"),
    )

    company_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(40))
    """The key of one of ``app.sources.adapters.registry.SOURCES``."""
    board: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(MAX_COMPANY_NAME_LENGTH))
    enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    """Whether previews and runs look at it."""
    include: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    exclude: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    listed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its board was last listed, or failed to be; NULL: never."""
    outcome: Mapped[Outcome | None] = mapped_column(status_type(Outcome))
    outcome_detail: Mapped[str | None] = mapped_column(Text)
    postings: Mapped[int | None] = mapped_column(Integer)
    etag: Mapped[str | None] = mapped_column(Text)
    """With ``last_modified`` what the source is asked by whether anything is new; of the listing at ``listed_at``."""
    last_modified: Mapped[str | None] = mapped_column(Text)
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the postings of that listing were read, and not only said to be the same; NULL: nobody is asked by these."""
    schema_version: Mapped[int | None] = mapped_column(Integer)
    """The ``Source.schema_version`` that they were read by."""
