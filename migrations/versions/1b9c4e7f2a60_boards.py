"""Boards: one row for each board of a source, for all users, and one for each reading of it."""

import sqlalchemy as sa
from alembic import op

revision = "1b9c4e7f2a60"
down_revision = "e1f7a3c5d902"
branch_labels = None
depends_on = None

OUTCOMES = (
    "'ok', 'empty', 'partial', 'held', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
    " 'moved', 'out_of_time'"
)
CLOCK = sa.text("clock_now()")

# Claims and listings update a row in place if its page has room. By default, autovacuum waits for a fifth of the rows.
OFTEN_UPDATED = {"fillfactor": "90", "autovacuum_vacuum_scale_factor": "0.02"}

MOVE_FUNCTION = """
CREATE FUNCTION listings_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('reading', 'complete'), ('reading', 'unchanged'), ('reading', 'partial'),
        ('reading', 'empty'), ('reading', 'held'), ('reading', 'failed')
    ) THEN
        RAISE EXCEPTION 'listing % cannot move from % to %', OLD.listing_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'listings', CONSTRAINT = 'listings_move';
    END IF;
    RETURN NEW;
END
$$
"""

MOVE_TRIGGER = """
CREATE TRIGGER listings_move BEFORE UPDATE ON listings
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION listings_move()
"""

# What has ended is history.
KEEP_FUNCTION = """
CREATE FUNCTION listings_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM boards WHERE board_id = OLD.board_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'listing % has ended; % refused', OLD.listing_id, TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = 'listings', CONSTRAINT = 'listings_keep';
END
$$
"""

KEEP_TRIGGERS = (
    """
    CREATE TRIGGER listings_keep_update BEFORE UPDATE ON listings
    FOR EACH ROW WHEN (OLD.state <> 'reading' AND OLD.state = NEW.state) EXECUTE FUNCTION listings_keep()
    """,
    """
    CREATE TRIGGER listings_keep_delete BEFORE DELETE ON listings
    FOR EACH ROW WHEN (OLD.state <> 'reading') EXECUTE FUNCTION listings_keep()
    """,
)


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("board_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("board", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.Column("listing_id", sa.BigInteger()),
        sa.Column("listed_at", sa.DateTime(timezone=True)),
        sa.Column("failed_until", sa.DateTime(timezone=True)),
        sa.Column("content_listing_id", sa.BigInteger()),
        sa.Column("content_began_at", sa.DateTime(timezone=True)),
        sa.Column("complete_listing_id", sa.BigInteger()),
        sa.Column("complete_at", sa.DateTime(timezone=True)),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("body_hash", sa.LargeBinary()),
        sa.Column("validated_at", sa.DateTime(timezone=True)),
        sa.Column("schema_version", sa.Integer()),
        sa.Column("held_listing_id", sa.BigInteger()),
        sa.Column("empty_listing_id", sa.BigInteger()),
        sa.Column("empty_count", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("gone_listing_id", sa.BigInteger()),
        sa.Column("gone_last_listing_id", sa.BigInteger()),
        sa.Column("gone_count", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.Column("is_on_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_shrink_allowed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("look_again_at", sa.DateTime(timezone=True)),
        sa.Column("second_look_at", sa.DateTime(timezone=True)),
        sa.Column("lease_id", sa.Uuid()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_second_look", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("board_id", name="pk_boards"),
        sa.UniqueConstraint("source", "board", name="uq_boards_source_board"),
        sa.CheckConstraint("(lease_id IS NULL) = (lease_until IS NULL)", name=op.f("ck_boards_lease")),
        postgresql_with=OFTEN_UPDATED,
    )
    op.create_index(
        "ix_boards_look_again_at", "boards", ["look_again_at"], postgresql_where=sa.text("look_again_at IS NOT NULL")
    )
    op.create_index("ix_boards_lease_until", "boards", ["lease_until"], postgresql_where=sa.text("attempt > 0"))
    op.create_table(
        "listings",
        sa.Column("listing_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(20), server_default="reading", nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("code", sa.String(20)),
        sa.Column("sentence", sa.Text()),
        sa.Column("retry_at", sa.DateTime(timezone=True)),
        sa.Column("is_baseline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("found", sa.Integer()),
        sa.Column("new_postings", sa.Integer()),
        sa.Column("changed_postings", sa.Integer()),
        sa.Column("unchanged_postings", sa.Integer()),
        sa.Column("reopened_postings", sa.Integer()),
        sa.Column("missing_postings", sa.Integer()),
        sa.Column("closed_postings", sa.Integer()),
        sa.Column("unparsed", sa.Integer()),
        sa.Column("lacking", sa.ARRAY(sa.BigInteger())),
        sa.PrimaryKeyConstraint("listing_id", name="pk_listings"),
        sa.ForeignKeyConstraint(
            ["board_id"], ["boards.board_id"], name="fk_listings_board_id_boards", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "state IN ('reading', 'complete', 'unchanged', 'partial', 'empty', 'held', 'failed')",
            name=op.f("ck_listings_state"),
        ),
        sa.CheckConstraint(f"code IN ({OUTCOMES})", name=op.f("ck_listings_code")),
        sa.CheckConstraint(
            "(state = 'reading') = (ended_at IS NULL) AND (code IS NULL) = (ended_at IS NULL)",
            name=op.f("ck_listings_end"),
        ),
        sa.CheckConstraint("(state IN ('reading', 'failed')) = (found IS NULL)", name=op.f("ck_listings_found")),
        sa.CheckConstraint(
            "found = new_postings + changed_postings + unchanged_postings", name=op.f("ck_listings_sum")
        ),
        sa.CheckConstraint(
            "reopened_postings <= changed_postings + unchanged_postings", name=op.f("ck_listings_reopened")
        ),
    )
    op.create_index(
        "uq_listings_one_reading_per_board",
        "listings",
        ["board_id"],
        unique=True,
        postgresql_where=sa.text("state = 'reading'"),
    )
    op.create_index("ix_listings_board_id_listing_id", "listings", ["board_id", "listing_id"])
    for statement in (MOVE_FUNCTION, MOVE_TRIGGER, KEEP_FUNCTION, *KEEP_TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("listings")
    op.drop_table("boards")
    op.execute("DROP FUNCTION listings_keep()")
    op.execute("DROP FUNCTION listings_move()")
