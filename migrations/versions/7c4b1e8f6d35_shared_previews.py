"""Shared previews: a preview's companies wait for listings of their boards, and its postings refer to revisions."""

import sqlalchemy as sa
from alembic import op

revision = "7c4b1e8f6d35"
down_revision = "5f2a9d7e4c13"
branch_labels = None
depends_on = None

OUTCOMES = (
    "'ok', 'empty', 'partial', 'held', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
    " 'moved', 'out_of_time'"
)
OLD_OUTCOMES = (
    "'ok', 'empty', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable', 'moved', 'out_of_time'"
)
RULES = "rule_kind IN ('no_filter', 'include', 'exclude', 'not_included')"
OLD_CHECKS = {
    "state": "state IN ('waiting', 'listing', 'listed', 'failed')",
    "outcome": f"outcome IN ({OLD_OUTCOMES})",
    "lease_iff_listing": "(state = 'listing') = (lease_until IS NOT NULL)",
}
CHECKS = {
    "state": "state IN ('waiting', 'read', 'listed', 'failed')",
    "outcome": f"outcome IN ({OUTCOMES})",
    "listing": "state IN ('waiting', 'failed') OR listing_id IS NOT NULL",
}

# Their postings are not kept: the boards begin anew.
END_PREVIEWS = (
    "DELETE FROM previews WHERE finished_at IS NOT NULL",
    """
    UPDATE preview_companies SET state = 'failed', lease_until = NULL, lease_id = NULL, outcome = 'out_of_time',
        detail = 'The product was upgraded before this board was read. Make a new preview.',
        retry_at = NULL, is_complete = NULL, found = NULL, taken = NULL, unread = NULL, listed_at = clock_now()
    """,
    "UPDATE previews SET finished_at = clock_now()",
)


def upgrade() -> None:
    for statement in END_PREVIEWS:
        op.execute(statement)
    op.drop_table("preview_postings")
    op.execute("DELETE FROM removed_previews")
    op.create_table(
        "preview_postings",
        sa.Column("preview_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("rule_kind", sa.String(20), nullable=False),
        sa.Column("rule_term", sa.Text()),
        sa.PrimaryKeyConstraint("preview_id", "posting_id", name="pk_preview_postings"),
        sa.CheckConstraint(RULES, name=op.f("ck_preview_postings_rule_kind")),
    )
    for name in OLD_CHECKS:
        op.drop_constraint(op.f(f"ck_preview_companies_{name}"), "preview_companies")
    for name in ("lease_until", "lease_id", "not_before", "attempt"):
        op.drop_column("preview_companies", name)
    op.alter_column("preview_companies", "taken", new_column_name="matched")
    op.alter_column("preview_companies", "unread", new_column_name="unparsed")
    op.add_column("preview_companies", sa.Column("board_id", sa.BigInteger()))
    op.add_column("preview_companies", sa.Column("fresh_after", sa.DateTime(timezone=True)))
    op.add_column("preview_companies", sa.Column("listing_id", sa.BigInteger()))
    op.execute(
        "INSERT INTO boards (source, board) SELECT DISTINCT source, board FROM preview_companies"
        " ORDER BY source, board ON CONFLICT DO NOTHING"
    )
    op.execute(
        "UPDATE preview_companies SET fresh_after = clock_now(), board_id = boards.board_id FROM boards"
        " WHERE boards.source = preview_companies.source AND boards.board = preview_companies.board"
    )
    op.alter_column("preview_companies", "board_id", existing_type=sa.BigInteger(), nullable=False)
    op.alter_column("preview_companies", "fresh_after", existing_type=sa.DateTime(timezone=True), nullable=False)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_preview_companies_{name}"), "preview_companies", condition)
    op.create_index(
        "ix_preview_companies_waiting",
        "preview_companies",
        ["preview_id", "position"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_preview_companies_waiting_source",
        "preview_companies",
        ["preview_id", "source", "position"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_preview_companies_waiting_board",
        "preview_companies",
        ["board_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.add_column("previews", sa.Column("is_refresh", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("previews", sa.Column("last_claim_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_previews_turn",
        "previews",
        [sa.text("last_claim_at NULLS FIRST"), "preview_id"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM previews")
    op.execute("DELETE FROM removed_previews")
    op.drop_index("ix_previews_turn", "previews")
    op.drop_column("previews", "last_claim_at")
    op.drop_column("previews", "is_refresh")
    op.drop_index("ix_preview_companies_waiting_board", "preview_companies")
    op.drop_index("ix_preview_companies_waiting_source", "preview_companies")
    op.drop_index("ix_preview_companies_waiting", "preview_companies")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_preview_companies_{name}"), "preview_companies")
    for name in ("board_id", "fresh_after", "listing_id"):
        op.drop_column("preview_companies", name)
    op.alter_column("preview_companies", "matched", new_column_name="taken")
    op.alter_column("preview_companies", "unparsed", new_column_name="unread")
    op.add_column("preview_companies", sa.Column("lease_until", sa.DateTime(timezone=True)))
    op.add_column("preview_companies", sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("preview_companies", sa.Column("lease_id", sa.Uuid()))
    op.add_column("preview_companies", sa.Column("not_before", sa.DateTime(timezone=True)))
    for name, condition in OLD_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_preview_companies_{name}"), "preview_companies", condition)
    op.drop_table("preview_postings")
    _create_old_postings()


def _create_old_postings() -> None:
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
        sa.UniqueConstraint(
            "preview_id", "position", "external_id", name="uq_preview_postings_preview_id_position_external_id"
        ),
        sa.CheckConstraint(
            "workplace IN ('remote', 'hybrid', 'on_site')", name=op.f("ck_preview_postings_workplace")
        ),
        sa.CheckConstraint(RULES, name=op.f("ck_preview_postings_rule_kind")),
    )
    op.create_index("ix_preview_postings_preview_id_posting_id", "preview_postings", ["preview_id", "posting_id"])
