"""Leases: an id for each claim of a preview's company, and the time until which a company is snoozed."""

import sqlalchemy as sa
from alembic import op

revision = "4be81d6f2c07"
down_revision = "6c2e9d04f7ab"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("preview_companies", sa.Column("lease_id", sa.Uuid()))
    op.add_column("preview_companies", sa.Column("not_before", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("preview_companies", "not_before")
    op.drop_column("preview_companies", "lease_id")
