from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import status_type


class CredentialKind(StrEnum):
    """How a credential is carried."""

    SESSION = "session"
    """In a browser's cookie, from signing in to signing out."""

    TOKEN = "token"
    """As ``Authorization: Bearer``, by a program, until it is revoked or expires."""


class Credential(Base):
    """What somebody proves with that he is a user. The secret itself is nowhere; only who has it can show it."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("kind IN ('session', 'token')", name="kind"),
        Index("uq_credentials_secret_hash", "secret_hash", unique=True),
        Index("ix_credentials_user_id", "user_id"),
    )

    credential_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    kind: Mapped[CredentialKind] = mapped_column(status_type(CredentialKind))
    name: Mapped[str] = mapped_column(Text)
    """For its user to know it by: a browser, or what the token is for."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of a secret of 256 random bits, which needs no salt and no slow hash."""
    epoch: Mapped[int] = mapped_column(Integer)
    """Its user's when it was issued; alive while that is still his."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """To the minute."""
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """NULL: never."""
