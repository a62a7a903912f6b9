from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW


class User(Base):
    """A person who owns runs and jobs."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email_lower", text("lower(email)"), unique=True),
        Index("ix_users_removed_at", "removed_at", postgresql_where=text("removed_at IS NOT NULL")),
    )

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    picture_url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=NOW)
    password_hash: Mapped[str | None] = mapped_column(Text)
    """The argon2id hash; NULL if this user cannot sign in."""
    epoch: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """The version of the user's credentials. It grows with each new password, which ends all earlier credentials."""
    last_login: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Time of the user's removal. From then on nobody finds the user; the rows are removed in batches."""
