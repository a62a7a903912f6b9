"""Companies: the boards that a user chose, with their filters and the outcome of the last listing."""

import sqlalchemy as sa
from alembic import op

revision = "b41c7e90d256"
down_revision = "9e5f1a73c8d4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("company_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("board", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("include", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("exclude", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("outcome_detail", sa.Text()),
        sa.Column("postings", sa.Integer()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.PrimaryKeyConstraint("company_id", name="pk_companies"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name="fk_companies_user_id_users", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("user_id", "source", "board", name="uq_companies_user_id_source_board"),
        sa.CheckConstraint(
            "outcome IN ('ok', 'empty', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
            " 'moved', 'out_of_time')",
            name=op.f("ck_companies_outcome"),
        ),
        sa.CheckConstraint(
            "(listed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_companies_listed_at_iff_outcome")
        ),
    )


def downgrade() -> None:
    op.drop_table("companies")
