"""Heartbeats: the latest sign of life of each worker, reconciler and broker."""

import sqlalchemy as sa
from alembic import op

revision = "0a9d3c71e5b8"
down_revision = "f1b6c40e7d29"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("component", "instance", name="pk_heartbeats"),
    )


def downgrade() -> None:
    op.drop_table("heartbeats")
