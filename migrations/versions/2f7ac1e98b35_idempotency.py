"""Idempotency: the Idempotency-Key of a start and the fingerprint of its body."""

import sqlalchemy as sa
from alembic import op

revision = "2f7ac1e98b35"
down_revision = "93d5a07be1c4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ingestion_runs", sa.Column("idempotency_key", sa.String(255)))
    op.add_column("ingestion_runs", sa.Column("request_fingerprint", sa.LargeBinary()))
    op.create_check_constraint(
        op.f("ck_ingestion_runs_fingerprint_iff_key"),
        "ingestion_runs",
        "(idempotency_key IS NULL) = (request_fingerprint IS NULL)",
    )
    op.create_index(
        "uq_ingestion_runs_user_id_idempotency_key",
        "ingestion_runs",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_ingestion_runs_user_id_idempotency_key", "ingestion_runs")
    op.drop_constraint(op.f("ck_ingestion_runs_fingerprint_iff_key"), "ingestion_runs")
    op.drop_column("ingestion_runs", "request_fingerprint")
    op.drop_column("ingestion_runs", "idempotency_key")
