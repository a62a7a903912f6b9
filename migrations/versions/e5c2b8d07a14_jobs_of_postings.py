"""Jobs of postings: a job names the posting and the revision that it is a copy of, and has all that a list shows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "e5c2b8d07a14"
down_revision = "d1a7f4c93e60"
branch_labels = None
depends_on = None

COLUMNS = (
    sa.Column("company_name", sa.String(100)),
    sa.Column("source", sa.String(40)),
    sa.Column("board_id", sa.BigInteger()),
    sa.Column("posting_id", sa.BigInteger()),
    sa.Column("revision_id", sa.BigInteger()),
    sa.Column("locations", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column("department", sa.Text()),
    sa.Column("workplace", sa.String(20)),
    sa.Column("employment_type", sa.Text()),
    sa.Column("pay", JSONB()),
    sa.Column("posted_at", sa.DateTime(timezone=True)),
    sa.Column("is_baseline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    sa.Column("expired_at", sa.DateTime(timezone=True)),
    sa.Column("kept_listing_id", sa.BigInteger()),
)

COMPARED = ["id", "posting_id", "revision_id", "status", "kept_listing_id"]


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("jobs", column)
    op.create_check_constraint(op.f("ck_jobs_workplace"), "jobs", "workplace IN ('remote', 'hybrid', 'on_site')")
    op.create_check_constraint(op.f("ck_jobs_expired"), "jobs", "expired_at IS NULL OR status = 'expired'")
    op.create_index("ix_jobs_user_id_id", "jobs", ["user_id", "id"])
    # All that tells if a job is as its posting: jobs are wide, and a company may have 10,000.
    op.create_index("ix_jobs_user_id_board_id", "jobs", ["user_id", "board_id"], postgresql_include=COMPARED)
    # A list of jobs looks up the user's company of each: a popular board has thousands of companies.
    op.create_index("ix_companies_user_id_board_id", "companies", ["user_id", "board_id"])
    # Jobs change in place if their page has room. By default, autovacuum waits for a fifth of the table.
    op.execute("ALTER TABLE jobs SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02)")


def downgrade() -> None:
    op.execute("ALTER TABLE jobs RESET (fillfactor, autovacuum_vacuum_scale_factor)")
    op.drop_index("ix_companies_user_id_board_id", "companies")
    op.drop_index("ix_jobs_user_id_board_id", "jobs")
    op.drop_index("ix_jobs_user_id_id", "jobs")
    op.drop_constraint(op.f("ck_jobs_expired"), "jobs")
    op.drop_constraint(op.f("ck_jobs_workplace"), "jobs")
    for column in reversed(COLUMNS):
        op.drop_column("jobs", column.name)
