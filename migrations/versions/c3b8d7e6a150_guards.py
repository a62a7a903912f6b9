"""Guards: the database refuses unknown statuses, illegal moves, and a second active run of a user."""

import sqlalchemy as sa
from alembic import op

revision = "c3b8d7e6a150"
down_revision = "a2ef3e15d65e"
branch_labels = None
depends_on = None

MOVE_FUNCTION = """
CREATE FUNCTION ingestion_runs_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('pending', 'initializing'),
        ('initializing', 'ingesting'),
        ('ingesting', 'finished'),
        ('pending', 'error'), ('initializing', 'error'), ('ingesting', 'error'),
        ('pending', 'aborted'), ('initializing', 'aborted'), ('ingesting', 'aborted')
    ) THEN
        RAISE EXCEPTION 'run % cannot move from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', TABLE = 'ingestion_runs', CONSTRAINT = 'ingestion_runs_move';
    END IF;
    RETURN NEW;
END
$$
"""

MOVE_TRIGGER = """
CREATE TRIGGER ingestion_runs_move BEFORE UPDATE ON ingestion_runs
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION ingestion_runs_move()
"""


# The first tables allowed rows that the guards forbid, and this migration must succeed on a database with such rows.
# It deletes nothing: a run that cannot stay as it is ends in error, with the reason.
MEND = (
    "UPDATE jobs SET status = 'pending' WHERE status IS NULL",
    """
    UPDATE jobs SET status = 'error', error_message = coalesce(error_message, 'unknown status ' || status)
    WHERE status NOT IN ('pending', 'ready', 'skipped', 'expired', 'error')
    """,
    "UPDATE ingestion_runs SET status = 'pending' WHERE status IS NULL",
    """
    UPDATE ingestion_runs SET status = 'error', error_message = coalesce(error_message, 'unknown status ' || status)
    WHERE status NOT IN ('pending', 'initializing', 'ingesting', 'finished', 'error', 'aborted')
    """,
    """
    UPDATE ingestion_runs SET status = 'error', error_message = coalesce(error_message, 'a newer run was active')
    WHERE status IN ('pending', 'initializing', 'ingesting') AND EXISTS (
        SELECT FROM ingestion_runs AS newer
        WHERE newer.user_id = ingestion_runs.user_id AND newer.id > ingestion_runs.id
        AND newer.status IN ('pending', 'initializing', 'ingesting')
    )
    """,
    """
    UPDATE ingestion_runs SET finished_at = coalesce(started_at, created_at, now())
    WHERE status IN ('finished', 'error', 'aborted') AND finished_at IS NULL
    """,
    """
    UPDATE ingestion_runs SET finished_at = NULL
    WHERE status IN ('pending', 'initializing', 'ingesting') AND finished_at IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in MEND:
        op.execute(statement)
    for table in ("ingestion_runs", "jobs"):
        op.alter_column(table, "status", existing_type=sa.String(20), existing_server_default="pending", nullable=False)
    op.create_check_constraint(
        op.f("ck_ingestion_runs_status"),
        "ingestion_runs",
        "status IN ('pending', 'initializing', 'ingesting', 'finished', 'error', 'aborted')",
    )
    op.create_check_constraint(
        op.f("ck_ingestion_runs_finished_at_iff_terminal"),
        "ingestion_runs",
        "(status IN ('finished', 'error', 'aborted')) = (finished_at IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_jobs_status"), "jobs", "status IN ('pending', 'ready', 'skipped', 'expired', 'error')"
    )
    op.create_index(
        "uq_ingestion_runs_one_active_per_user",
        "ingestion_runs",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'initializing', 'ingesting')"),
    )
    op.execute(MOVE_FUNCTION)
    op.execute(MOVE_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER ingestion_runs_move ON ingestion_runs")
    op.execute("DROP FUNCTION ingestion_runs_move()")
    op.drop_index("uq_ingestion_runs_one_active_per_user", "ingestion_runs")
    op.drop_constraint(op.f("ck_jobs_status"), "jobs")
    op.drop_constraint(op.f("ck_ingestion_runs_finished_at_iff_terminal"), "ingestion_runs")
    op.drop_constraint(op.f("ck_ingestion_runs_status"), "ingestion_runs")
    for table in ("ingestion_runs", "jobs"):
        op.alter_column(table, "status", existing_type=sa.String(20), existing_server_default="pending", nullable=True)
