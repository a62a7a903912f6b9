"""Clock: one SQL function gives all times of the product, so that tests and drills can shift it."""

from alembic import op

revision = "e1f7a3c5d902"
down_revision = "c08d5e2b7f61"
branch_labels = None
depends_on = None

# PostgreSQL inlines it, so it costs no call.
CLOCK = """
CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT clock_timestamp() $$
"""

# The created_at and updated_at of runs and jobs keep now(), which their first migration promises; the product writes
# them itself.
DEFAULTS = (
    ("users", "created_at"),
    ("companies", "created_at"),
    ("companies", "updated_at"),
    ("credentials", "created_at"),
    ("previews", "created_at"),
    ("previews", "next_dispatch_at"),
    ("ingestion_runs", "next_dispatch_at"),
)

# The functions of triggers that read the clock.
READERS = ("ingestion_runs_trace", "credentials_limit")


def upgrade() -> None:
    op.execute(CLOCK)
    for table, column in DEFAULTS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT clock_now()")
    _replace("clock_timestamp()", "clock_now()")


def downgrade() -> None:
    _replace("clock_now()", "clock_timestamp()")
    for table, column in DEFAULTS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT now()")
    op.execute("DROP FUNCTION clock_now()")


def _replace(old: str, new: str) -> None:
    """Define the functions of READERS again, with another clock."""
    for name in READERS:
        definition = op.get_bind().exec_driver_sql(f"SELECT pg_get_functiondef('{name}'::regproc)").scalar_one()
        op.execute(definition.replace(old, new).replace(":", r"\:"))
