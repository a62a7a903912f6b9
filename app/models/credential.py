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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Base
from app.models.columns import NOW, status_type

MAX_TOKENS = 50
"""The most valid tokens of one user. The trigger ``credentials_limit`` refuses another."""

MAX_SESSIONS = 100
"""The most sessions of one user. The trigger ``credentials_limit`` ends the oldest when a new one opens."""


class CredentialKind(StrEnum):
    """The kind of a credential, which determines where a request carries it."""

    SESSION = "session"
    """Carried in a browser's cookie, from sign-in to sign-out."""

    TOKEN = "token"
    """Carried by a program as ``Authorization: Bearer``, until it is revoked or expires."""


class Credential(Base):
    """A session or an API token. Only the SHA-256 of the secret is stored."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("kind IN ('session', 'token')", name="kind"),
        Index("uq_credentials_secret_hash", "secret_hash", unique=True),
        Index("ix_credentials_user_id", "user_id"),
        Index("ix_credentials_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    credential_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.user_id", ondelete="CASCADE"))
    kind: Mapped[CredentialKind] = mapped_column(status_type(CredentialKind))
    name: Mapped[str] = mapped_column(Text)
    """A label for its user: the browser, or the purpose of the token."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the secret. Its 256 random bits make a salt and a slow hash unnecessary."""
    epoch: Mapped[int] = mapped_column(Integer)
    """The version. The credential is valid while it equals the user's ``epoch``, which each new password raises."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Written at most once a minute."""
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """NULL if it never expires."""
