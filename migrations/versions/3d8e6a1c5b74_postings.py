"""Postings: the life of each posting of a board, its contents, and the events of its life."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "3d8e6a1c5b74"
down_revision = "1b9c4e7f2a60"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_now()")
NO_TEXTS = sa.text("'{}'")

# By default, autovacuum waits for a fifth of the table: a million rows of five.
OFTEN_UPDATED = {"fillfactor": "90", "autovacuum_vacuum_scale_factor": "0.02"}

# A revision is deleted only if the reading that stored it did not end.
IMMUTABLE_FUNCTION = """
CREATE FUNCTION posting_revisions_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'revision % is immutable', OLD.revision_id
        USING ERRCODE = 'restrict_violation', TABLE = 'posting_revisions', CONSTRAINT = 'posting_revisions_immutable';
END
$$
"""

IMMUTABLE_TRIGGER = """
CREATE TRIGGER posting_revisions_immutable BEFORE UPDATE ON posting_revisions
FOR EACH ROW EXECUTE FUNCTION posting_revisions_immutable()
"""

APPEND_ONLY_FUNCTION = """
CREATE FUNCTION posting_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'posting_events is append-only; % refused', TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = 'posting_events', CONSTRAINT = 'posting_events_append_only';
END
$$
"""

APPEND_ONLY_TRIGGER = """
CREATE TRIGGER posting_events_append_only BEFORE UPDATE OR DELETE ON posting_events
FOR EACH ROW EXECUTE FUNCTION posting_events_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "posting_revisions",
        sa.Column("revision_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("locations", sa.ARRAY(sa.Text()), server_default=NO_TEXTS, nullable=False),
        sa.Column("department", sa.Text()),
        sa.Column("workplace", sa.String(20)),
        sa.Column("employment_type", sa.Text()),
        sa.Column("pay", JSONB()),
        sa.Column("posted_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.Column("description", sa.Text()),
        sa.Column("requirements", sa.Text()),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("hash_version", sa.SmallInteger(), nullable=False),
        sa.Column("simhash", sa.BigInteger()),
        sa.Column("changed_fields", sa.ARRAY(sa.Text()), server_default=NO_TEXTS, nullable=False),
        sa.PrimaryKeyConstraint("revision_id", name="pk_posting_revisions"),
        sa.CheckConstraint(
            "workplace IN ('remote', 'hybrid', 'on_site')", name=op.f("ck_posting_revisions_workplace")
        ),
    )
    op.create_index("ix_posting_revisions_listing_id", "posting_revisions", ["listing_id"])
    op.create_table(
        "postings",
        sa.Column("posting_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("hash_version", sa.SmallInteger(), nullable=False),
        sa.Column("first_listing_id", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True)),
        sa.Column("missing_listing_id", sa.BigInteger()),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("closed_reason", sa.String(20)),
        sa.Column("closed_listing_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("posting_id", name="pk_postings"),
        sa.UniqueConstraint("board_id", "external_id", name="uq_postings_board_id_external_id"),
        sa.ForeignKeyConstraint(
            ["board_id"], ["boards.board_id"], name="fk_postings_board_id_boards", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "(missing_since IS NULL) = (missing_listing_id IS NULL)", name=op.f("ck_postings_missing")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_reason IS NULL) AND (closed_at IS NULL) = (closed_listing_id IS NULL)"
            " AND (closed_at IS NULL OR missing_since IS NOT NULL)",
            name=op.f("ck_postings_closed"),
        ),
        sa.CheckConstraint("missing_listing_id < closed_listing_id", name=op.f("ck_postings_two_witnesses")),
        sa.CheckConstraint(
            "closed_reason IN ('unseen', 'board_empty', 'board_gone')", name=op.f("ck_postings_closed_reason")
        ),
        postgresql_with=OFTEN_UPDATED,
    )
    op.create_index("ix_postings_open", "postings", ["board_id"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "posting_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default=NO_TEXTS, nullable=False),
        sa.Column("reason", sa.String(20)),
        sa.Column("witness_listing_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("event_id", name="pk_posting_events"),
        sa.CheckConstraint(
            "kind IN ('new', 'changed', 'missing', 'closed', 'reopened')", name=op.f("ck_posting_events_kind")
        ),
    )
    op.create_index("ix_posting_events_posting_id_event_id", "posting_events", ["posting_id", "event_id"])
    for statement in (IMMUTABLE_FUNCTION, IMMUTABLE_TRIGGER, APPEND_ONLY_FUNCTION, APPEND_ONLY_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    for table in ("posting_events", "postings", "posting_revisions"):
        op.drop_table(table)
    op.execute("DROP FUNCTION posting_events_append_only()")
    op.execute("DROP FUNCTION posting_revisions_immutable()")
