"""Run companies: a run freezes the enabled companies with their filters, and waits for listings of their boards."""

import sqlalchemy as sa
from alembic import op

revision = "d1a7f4c93e60"
down_revision = "b3e8c5a1d746"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_now()")
ZERO = sa.text("0")
OUTCOMES = (
    "'ok', 'empty', 'partial', 'held', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
    " 'moved', 'out_of_time'"
)
CHECKS = {
    "state": "state IN ('waiting', 'read', 'taken_in', 'failed')",
    "outcome": f"outcome IN ({OUTCOMES})",
    "listing_state": "listing_state IN ('complete', 'unchanged', 'partial', 'empty', 'held', 'failed')",
    "outcome_iff_answered": "(state = 'waiting') = (outcome IS NULL)",
    "listing": "state NOT IN ('read', 'taken_in') OR listing_id IS NOT NULL",
    "sum": "matched = new_jobs + changed_jobs + reopened_jobs + unchanged_jobs",
    "taken_in": (
        "state <> 'taken_in'"
        " OR (matched IS NOT NULL AND unchanged_jobs IS NOT NULL AND expired_jobs IS NOT NULL)"
    ),
}
RUN_COLUMNS = (
    sa.Column("companies_total", sa.Integer()),
    sa.Column("deadline_at", sa.DateTime(timezone=True)),
    sa.Column("last_claim_at", sa.DateTime(timezone=True)),
    sa.Column("worker_seen_at", sa.DateTime(timezone=True)),
    sa.Column("attempts", sa.SmallInteger(), server_default=ZERO, nullable=False),
    sa.Column("retry_of", sa.Integer()),
    sa.Column("previewed", sa.Integer()),
    sa.Column("note", sa.Text()),
)

# A move must be in the table of legal ones. What has ended stays as it is. A run that has ended, an aborted one above
# all, gets no further write.
GUARD_FUNCTION = """
CREATE FUNCTION run_companies_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('waiting', 'read'), ('waiting', 'failed'), ('read', 'taken_in'), ('read', 'failed')
    ) THEN
        RAISE EXCEPTION 'company % of run % cannot move from % to %', OLD.position, OLD.run_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'run_companies', CONSTRAINT = 'run_companies_move';
    END IF;
    IF OLD.state = 'taken_in' OR OLD.state = 'failed' AND OLD.expired_jobs IS NOT NULL THEN
        RAISE EXCEPTION 'company % of run % has ended', OLD.position, OLD.run_id
            USING ERRCODE = 'restrict_violation', TABLE = 'run_companies', CONSTRAINT = 'run_companies_keep';
    END IF;
    IF NOT EXISTS (
        SELECT FROM ingestion_runs WHERE id = OLD.run_id AND status IN ('initializing', 'ingesting')
    ) THEN
        RAISE EXCEPTION 'run % is not being carried out', OLD.run_id
            USING ERRCODE = 'restrict_violation', TABLE = 'run_companies', CONSTRAINT = 'run_companies_active';
    END IF;
    RETURN NEW;
END
$$
"""

GUARD_TRIGGER = """
CREATE TRIGGER run_companies_guard BEFORE UPDATE ON run_companies
FOR EACH ROW EXECUTE FUNCTION run_companies_guard()
"""

ACTIVE = "status IN ('pending', 'initializing', 'ingesting')"

# Runs that are active during the upgrade get the companies that are enabled now.
FREEZE_ACTIVE = (
    f"""
    INSERT INTO run_companies (
        run_id, position, company_id, board_id, source, board, name, include, exclude, is_baseline, fresh_after
    )
    SELECT runs.id, row_number() OVER (PARTITION BY runs.id ORDER BY lower(companies.name), companies.company_id),
           companies.company_id, companies.board_id, companies.source, companies.board, companies.name,
           companies.include, companies.exclude, true,
           coalesce(runs.created_at, clock_now()) - interval '10 minutes'
    FROM ingestion_runs AS runs JOIN companies ON companies.user_id = runs.user_id AND companies.enabled
    WHERE {ACTIVE}
    """,
    f"""
    UPDATE ingestion_runs SET companies_total = units.n, next_dispatch_at = clock_now(),
        deadline_at = CASE WHEN status <> 'pending'
            THEN clock_now() + interval '15 minutes' + units.n * interval '2 s' END,
        note = CASE WHEN units.n = 0 THEN 'No company was enabled, so there was nothing to ingest.' END
    FROM (
        SELECT id, (SELECT count(*) FROM run_companies WHERE run_id = id) AS n FROM ingestion_runs WHERE {ACTIVE}
    ) AS units
    WHERE units.id = ingestion_runs.id
    """,
    f"UPDATE ingestion_runs SET total_jobs = 0 WHERE {ACTIVE} AND total_jobs IS DISTINCT FROM 0",
)


def upgrade() -> None:
    for column in RUN_COLUMNS:
        op.add_column("ingestion_runs", column)
    op.create_table(
        "run_companies",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("board", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("include", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("exclude", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("previewed", sa.Integer()),
        sa.Column("fresh_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(20), server_default="waiting", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=CLOCK, nullable=False),
        sa.Column("listing_id", sa.BigInteger()),
        sa.Column("listing_state", sa.String(20)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("detail", sa.Text()),
        sa.Column("retry_at", sa.DateTime(timezone=True)),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("found", sa.Integer()),
        sa.Column("unparsed", sa.Integer()),
        sa.Column("matched", sa.Integer()),
        sa.Column("pinned_listing_id", sa.BigInteger()),
        sa.Column("parts", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("new_jobs", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("changed_jobs", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("reopened_jobs", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("unchanged_jobs", sa.Integer()),
        sa.Column("expired_jobs", sa.Integer()),
        sa.Column("held_closings", sa.Integer(), server_default=ZERO, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_run_companies"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ingestion_runs.id"], name="fk_run_companies_run_id_ingestion_runs", ondelete="CASCADE"
        ),
        *[sa.CheckConstraint(condition, name=op.f(f"ck_run_companies_{name}")) for name, condition in CHECKS.items()],
    )
    is_waiting = sa.text("state = 'waiting'")
    for name, columns in (
        ("waiting", ["run_id", "position"]),
        ("waiting_source", ["run_id", "source", "position"]),
        ("waiting_board", ["board_id"]),
    ):
        op.create_index(f"ix_run_companies_{name}", "run_companies", columns, postgresql_where=is_waiting)
    op.create_index(
        "ix_run_companies_taken_in",
        "run_companies",
        ["company_id", "run_id"],
        postgresql_where=sa.text("state = 'taken_in'"),
    )
    op.create_check_constraint(
        op.f("ck_ingestion_runs_sum"),
        "ingestion_runs",
        "status <> 'finished' OR coalesce(companies_total, 0) = 0 OR total_jobs = jobs_ready + jobs_skipped",
    )
    op.drop_index("ix_ingestion_runs_due", "ingestion_runs")
    op.create_index("ix_ingestion_runs_due", "ingestion_runs", ["next_dispatch_at"], postgresql_where=sa.text(ACTIVE))
    op.create_index(
        "ix_ingestion_runs_turn",
        "ingestion_runs",
        [sa.text("last_claim_at NULLS FIRST"), "id"],
        postgresql_where=sa.text("status IN ('initializing', 'ingesting')"),
    )
    for statement in (*FREEZE_ACTIVE, GUARD_FUNCTION, GUARD_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_ingestion_runs_turn", "ingestion_runs")
    op.drop_index("ix_ingestion_runs_due", "ingestion_runs")
    op.create_index(
        "ix_ingestion_runs_due", "ingestion_runs", ["next_dispatch_at"], postgresql_where=sa.text("status = 'pending'")
    )
    op.drop_constraint(op.f("ck_ingestion_runs_sum"), "ingestion_runs")
    op.drop_table("run_companies")
    op.execute("DROP FUNCTION run_companies_guard()")
    for column in reversed(RUN_COLUMNS):
        op.drop_column("ingestion_runs", column.name)
