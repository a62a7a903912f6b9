"""Removed previews: their postings are removed later, in batches, because one statement may take too long for all."""

import sqlalchemy as sa
from alembic import op

revision = "c08d5e2b7f61"
down_revision = "a94c6e1f7d20"
branch_labels = None
depends_on = None

FOREIGN_KEY = "fk_preview_postings_preview_id_preview_companies"

FUNCTION = """
CREATE FUNCTION previews_note_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO removed_previews (preview_id) VALUES (OLD.preview_id);
    RETURN NULL;
END
$$
"""

TRIGGER = """
CREATE TRIGGER previews_note_removed AFTER DELETE ON previews FOR EACH ROW EXECUTE FUNCTION previews_note_removed()
"""

REMOVE_POSTINGS = "DELETE FROM preview_postings WHERE preview_id IN (SELECT preview_id FROM removed_previews)"


def upgrade() -> None:
    op.create_table(
        "removed_previews",
        sa.Column("preview_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("preview_id", name="pk_removed_previews"),
    )
    op.drop_constraint(FOREIGN_KEY, "preview_postings", type_="foreignkey")
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER previews_note_removed ON previews")
    op.execute("DROP FUNCTION previews_note_removed()")
    op.execute(REMOVE_POSTINGS)
    op.create_foreign_key(
        FOREIGN_KEY,
        "preview_postings",
        "preview_companies",
        ["preview_id", "position"],
        ["preview_id", "position"],
        ondelete="CASCADE",
    )
    op.drop_table("removed_previews")
