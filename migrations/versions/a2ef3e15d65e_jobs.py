"""Runs and jobs: the two tables of the specification, exactly as agreed."""

import sqlalchemy as sa
from alembic import op

revision = "a2ef3e15d65e"
down_revision = "5d1c0f2b9a47"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingestion_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending"),
        sa.Column("total_jobs", sa.Integer(), server_default=sa.text("0")),
        sa.Column("jobs_ready", sa.Integer()),
        sa.Column("jobs_skipped", sa.Integer()),
        sa.Column("jobs_expired", sa.Integer()),
        sa.Column("jobs_failed", sa.Integer()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error_message", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ingestion_runs"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name="fk_ingestion_runs_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer()),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("company", sa.String(100), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending"),
        sa.Column("title", sa.Text()),
        sa.Column("location", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("requirements", sa.Text()),
        sa.Column("simhash", sa.BigInteger()),
        sa.Column("error_message", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ingestion_runs.id"], name="fk_jobs_run_id_ingestion_runs", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_jobs_user_id_users", ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "company", "external_id", name="uq_jobs_user_id_company_external_id"),
    )
    op.create_index("idx_jobs_run_status", "jobs", ["run_id", "status"])


def downgrade() -> None:
    op.drop_table("jobs")
    op.drop_table("ingestion_runs")
