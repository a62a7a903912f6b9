"""Removed users: a user disappears at once, and their rows are removed in batches."""

import sqlalchemy as sa
from alembic import op

revision = "c4f6a2e8d193"
down_revision = "a7e91d5c2f08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_users_removed_at", "users", ["removed_at"], postgresql_where=sa.text("removed_at IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("DELETE FROM users WHERE removed_at IS NOT NULL")
    op.drop_index("ix_users_removed_at", "users")
    op.drop_column("users", "removed_at")
