"""Run closings: a run that would expire unusually many jobs expires none, and asks its user."""

import sqlalchemy as sa
from alembic import op

revision = "a7e91d5c2f08"
down_revision = "f8b36e1d4a92"
branch_labels = None
depends_on = None

MOVE_FUNCTION = """
CREATE FUNCTION run_closings_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (('asked', 'answered'), ('asked', 'superseded')) THEN
        RAISE EXCEPTION 'the question of run % cannot move from % to %', OLD.run_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'run_closings', CONSTRAINT = 'run_closings_move';
    END IF;
    RETURN NEW;
END
$$
"""

MOVE_TRIGGER = """
CREATE TRIGGER run_closings_move BEFORE UPDATE ON run_closings
FOR EACH ROW EXECUTE FUNCTION run_closings_move()
"""


def upgrade() -> None:
    op.create_table(
        "run_closings",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(20), server_default="asked", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_now()"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("expire", sa.Boolean()),
        sa.Column("expired", sa.Integer()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_closings"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ingestion_runs.id"], name="fk_run_closings_run_id_ingestion_runs", ondelete="CASCADE"
        ),
        sa.CheckConstraint("state IN ('asked', 'answered', 'superseded')", name=op.f("ck_run_closings_state")),
        sa.CheckConstraint(
            "(state = 'answered') = (answered_at IS NOT NULL) AND (answered_at IS NULL) = (expire IS NULL)"
            " AND (answered_at IS NULL) = (expired IS NULL)",
            name=op.f("ck_run_closings_answer"),
        ),
    )
    op.create_index("ix_run_closings_asked", "run_closings", ["user_id"], postgresql_where=sa.text("state = 'asked'"))
    op.execute(MOVE_FUNCTION)
    op.execute(MOVE_TRIGGER)


def downgrade() -> None:
    op.drop_table("run_closings")
    op.execute("DROP FUNCTION run_closings_move()")
