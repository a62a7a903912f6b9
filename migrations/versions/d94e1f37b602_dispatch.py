"""Dispatch: the row of a run is its own outbox entry."""

import sqlalchemy as sa
from alembic import op

revision = "d94e1f37b602"
down_revision = "c3b8d7e6a150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestion_runs", sa.Column("dispatched_at", sa.DateTime(timezone=True)))
    op.add_column(
        "ingestion_runs",
        sa.Column("next_dispatch_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column(
        "ingestion_runs", sa.Column("dispatch_count", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index(
        "ix_ingestion_runs_due", "ingestion_runs", ["next_dispatch_at"], postgresql_where=sa.text("status = 'pending'")
    )


def downgrade() -> None:
    op.drop_index("ix_ingestion_runs_due", "ingestion_runs")
    for column in ("dispatch_count", "next_dispatch_at", "dispatched_at"):
        op.drop_column("ingestion_runs", column)
