"""Previewed runs: the preview from which a run was started."""

import sqlalchemy as sa
from alembic import op

revision = "6c2e9d04f7ab"
down_revision = "d70a5b3f8e14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestion_runs", sa.Column("preview_id", sa.BigInteger()))
    op.create_foreign_key(
        "fk_ingestion_runs_preview_id_previews",
        "ingestion_runs",
        "previews",
        ["preview_id"],
        ["preview_id"],
        ondelete="SET NULL",
    )
    # Without the index, each deletion of a preview would scan all runs.
    op.create_index("ix_ingestion_runs_preview_id", "ingestion_runs", ["preview_id"])


def downgrade() -> None:
    op.drop_index("ix_ingestion_runs_preview_id", "ingestion_runs")
    op.drop_constraint("fk_ingestion_runs_preview_id_previews", "ingestion_runs", type_="foreignkey")
    op.drop_column("ingestion_runs", "preview_id")
