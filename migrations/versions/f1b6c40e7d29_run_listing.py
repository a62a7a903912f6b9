"""Listing: indexes for the pages of a user's runs, newest first, with and without a status."""

from alembic import op

revision = "f1b6c40e7d29"
down_revision = "e07a52c9d8f1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_ingestion_runs_user_id_id", "ingestion_runs", ["user_id", "id"])
    op.create_index("ix_ingestion_runs_user_id_status_id", "ingestion_runs", ["user_id", "status", "id"])


def downgrade() -> None:
    op.drop_index("ix_ingestion_runs_user_id_status_id", "ingestion_runs")
    op.drop_index("ix_ingestion_runs_user_id_id", "ingestion_runs")
