"""Preview moves: a trigger refuses every move of a preview's company that is not in the table of legal ones."""

from alembic import op

revision = "b3e8c5a1d746"
down_revision = "9a6d3f2b8e57"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION preview_companies_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('waiting', 'read'), ('waiting', 'failed'), ('read', 'listed'), ('read', 'failed')
    ) THEN
        RAISE EXCEPTION 'company % of preview % cannot move from % to %',
            OLD.position, OLD.preview_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', TABLE = 'preview_companies', CONSTRAINT = 'preview_companies_move';
    END IF;
    RETURN NEW;
END
$$
"""

TRIGGER = """
CREATE TRIGGER preview_companies_move BEFORE UPDATE ON preview_companies
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION preview_companies_move()
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER preview_companies_move ON preview_companies")
    op.execute("DROP FUNCTION preview_companies_move()")
