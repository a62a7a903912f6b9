"""Source switches: the sources whose boards the operator has switched off."""

import sqlalchemy as sa
from alembic import op

revision = "9a6d3f2b8e57"
down_revision = "7c4b1e8f6d35"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_switches",
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("off_since", sa.DateTime(timezone=True), server_default=sa.text("clock_now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_switches"),
    )


def downgrade() -> None:
    op.drop_table("source_switches")
