"""Previews: the postings that a run would get, company by company, from a snapshot of the user's settings."""

import sqlalchemy as sa
from alembic import op

revision = "d70a5b3f8e14"
down_revision = "b41c7e90d256"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "previews",
        sa.Column("preview_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("settings_hash", sa.CHAR(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("dispatched_at", sa.DateTime(timezone=True)),
        sa.Column("next_dispatch_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("dispatch_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("preview_id", name="pk_previews"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_previews_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_previews_user_id_preview_id", "previews", ["user_id", "preview_id"])
    op.create_index(
        "uq_previews_one_unfinished_per_user",
        "previews",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_previews_due", "previews", ["next_dispatch_at"], postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_table(
        "preview_companies",
        sa.Column("preview_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("board", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("include", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("exclude", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.String(20), server_default="waiting", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.String(20)),
        sa.Column("detail", sa.Text()),
        sa.Column("retry_at", sa.DateTime(timezone=True)),
        sa.Column("is_complete", sa.Boolean()),
        sa.Column("found", sa.Integer()),
        sa.Column("taken", sa.Integer()),
        sa.Column("unread", sa.Integer()),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("preview_id", "position", name="pk_preview_companies"),
        sa.ForeignKeyConstraint(
            ["preview_id"],
            ["previews.preview_id"],
            name="fk_preview_companies_preview_id_previews",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'listing', 'listed', 'failed')", name=op.f("ck_preview_companies_state")
        ),
        sa.CheckConstraint(
            "outcome IN ('ok', 'empty', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
            " 'moved', 'out_of_time')",
            name=op.f("ck_preview_companies_outcome"),
        ),
        sa.CheckConstraint(
            "(state = 'listing') = (lease_until IS NOT NULL)", name=op.f("ck_preview_companies_lease_iff_listing")
        ),
        sa.CheckConstraint(
            "(state IN ('listed', 'failed')) = (outcome IS NOT NULL) AND (outcome IS NULL) = (listed_at IS NULL)",
            name=op.f("ck_preview_companies_outcome_iff_done"),
        ),
    )
    op.create_table(
        "preview_postings",
        sa.Column("posting_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("preview_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("location", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.Column("workplace", sa.String(20)),
        sa.Column("employment_type", sa.Text()),
        sa.Column("posted_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.Column("description", sa.Text()),
        sa.Column("requirements", sa.Text()),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("rule_kind", sa.String(20), nullable=False),
        sa.Column("rule_term", sa.Text()),
        sa.PrimaryKeyConstraint("posting_id", name="pk_preview_postings"),
        sa.ForeignKeyConstraint(
            ["preview_id", "position"],
            ["preview_companies.preview_id", "preview_companies.position"],
            name="fk_preview_postings_preview_id_preview_companies",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "preview_id", "position", "external_id", name="uq_preview_postings_preview_id_position_external_id"
        ),
        sa.CheckConstraint(
            "workplace IN ('remote', 'hybrid', 'on_site')", name=op.f("ck_preview_postings_workplace")
        ),
        sa.CheckConstraint(
            "rule_kind IN ('no_filter', 'include', 'exclude', 'not_included')",
            name=op.f("ck_preview_postings_rule_kind"),
        ),
    )
    op.create_index("ix_preview_postings_preview_id_posting_id", "preview_postings", ["preview_id", "posting_id"])


def downgrade() -> None:
    op.drop_table("preview_postings")
    op.drop_table("preview_companies")
    op.drop_table("previews")
