"""Expiry: an index by which the expired sessions and tokens of all users are found and removed."""

import sqlalchemy as sa
from alembic import op

revision = "8c41f6d2a97e"
down_revision = "2f7ac1e98b35"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_credentials_expires_at",
        "credentials",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_credentials_expires_at", "credentials")
