"""Job events: what runs did with each job, append-only."""

import sqlalchemy as sa
from alembic import op

revision = "f8b36e1d4a92"
down_revision = "e5c2b8d07a14"
branch_labels = None
depends_on = None

# An expired job has two witnesses, the earlier one first.
WITNESSES = (
    "kind <> 'expired' OR (reason IS NOT NULL AND listing_id IS NOT NULL AND witness_listing_id IS NOT NULL"
    " AND witness_listing_id < listing_id)"
)

# Events are deleted only with their job. When the cascade reaches them, the row of the job no longer exists.
APPEND_ONLY_FUNCTION = """
CREATE FUNCTION job_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM jobs WHERE id = OLD.job_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'job_events is append-only; % refused', TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = 'job_events', CONSTRAINT = 'job_events_append_only';
END
$$
"""

APPEND_ONLY_TRIGGER = """
CREATE TRIGGER job_events_append_only BEFORE UPDATE OR DELETE ON job_events
FOR EACH ROW EXECUTE FUNCTION job_events_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "job_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_now()"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger()),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.String(20)),
        sa.Column("witness_listing_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("event_id", name="pk_job_events"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_events_job_id_jobs", ondelete="CASCADE"),
        sa.CheckConstraint("kind IN ('new', 'changed', 'expired', 'reopened')", name=op.f("ck_job_events_kind")),
        sa.CheckConstraint(
            "reason IN ('unseen', 'board_empty', 'board_gone')", name=op.f("ck_job_events_reason")
        ),
        sa.CheckConstraint(WITNESSES, name=op.f("ck_job_events_two_witnesses")),
    )
    op.create_index("ix_job_events_job_id_event_id", "job_events", ["job_id", "event_id"])
    op.create_index("ix_job_events_run_id_job_id", "job_events", ["run_id", "job_id"])
    op.create_index("ix_job_events_user_id_event_id", "job_events", ["user_id", "event_id"])
    op.execute(APPEND_ONLY_FUNCTION)
    op.execute(APPEND_ONLY_TRIGGER)


def downgrade() -> None:
    op.drop_table("job_events")
    op.execute("DROP FUNCTION job_events_append_only()")
