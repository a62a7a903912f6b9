"""Timeline: an event for every change of a run's status, written by a trigger in the same transaction."""

import sqlalchemy as sa
from alembic import op

revision = "e07a52c9d8f1"
down_revision = "d94e1f37b602"
branch_labels = None
depends_on = None

# Actor and request id come from transaction-local settings. Without them the change was typed by hand, and the actor is
# the role that typed it. The row lock on the run orders its events, so seq has neither gaps nor duplicates.
TRACE_FUNCTION = """
CREATE FUNCTION ingestion_runs_trace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_events (run_id, seq, at, from_status, to_status, actor, request_id)
    VALUES (
        NEW.id,
        (SELECT coalesce(max(seq), 0) + 1 FROM run_events WHERE run_id = NEW.id),
        clock_timestamp(),
        CASE TG_OP WHEN 'UPDATE' THEN OLD.status END,
        NEW.status,
        coalesce(nullif(current_setting('job_ingestion.actor', true), ''), 'sql:' || session_user),
        nullif(current_setting('job_ingestion.request_id', true), '')
    );
    RETURN NULL;
END
$$
"""

TRACE_TRIGGERS = (
    """
    CREATE TRIGGER ingestion_runs_trace_start AFTER INSERT ON ingestion_runs
    FOR EACH ROW EXECUTE FUNCTION ingestion_runs_trace()
    """,
    """
    CREATE TRIGGER ingestion_runs_trace_move AFTER UPDATE ON ingestion_runs
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION ingestion_runs_trace()
    """,
)

# An event is inserted only by the trigger above (trigger depth 2), and deleted only with its run. When the cascade
# reaches the events, the row of the run no longer exists.
APPEND_ONLY_FUNCTION = """
CREATE FUNCTION run_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM ingestion_runs WHERE id = OLD.run_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'run_events is append-only and written by trigger; % refused', TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = 'run_events', CONSTRAINT = 'run_events_append_only';
END
$$
"""

APPEND_ONLY_TRIGGER = """
CREATE TRIGGER run_events_append_only BEFORE INSERT OR UPDATE OR DELETE ON run_events
FOR EACH ROW EXECUTE FUNCTION run_events_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_status", sa.String(20)),
        sa.Column("to_status", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_events"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ingestion_runs.id"], name="fk_run_events_run_id_ingestion_runs", ondelete="CASCADE"
        ),
    )
    op.execute(
        "INSERT INTO run_events (run_id, seq, at, to_status, actor)"
        " SELECT id, 1, clock_timestamp(), status, 'migration' FROM ingestion_runs"
    )
    for statement in (TRACE_FUNCTION, *TRACE_TRIGGERS, APPEND_ONLY_FUNCTION, APPEND_ONLY_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER ingestion_runs_trace_move ON ingestion_runs")
    op.execute("DROP TRIGGER ingestion_runs_trace_start ON ingestion_runs")
    op.execute("DROP FUNCTION ingestion_runs_trace()")
    op.drop_table("run_events")
    op.execute("DROP FUNCTION run_events_append_only()")
