"""Company boards: each company points to a board that all users share, which has the outcome of the last listing."""

import sqlalchemy as sa
from alembic import op

revision = "5f2a9d7e4c13"
down_revision = "3d8e6a1c5b74"
branch_labels = None
depends_on = None

# ON CONFLICT DO NOTHING locks no existing row, so nobody waits for a board that is being stored. A second statement
# reads the id, because it sees a row that another transaction committed meanwhile.
BOARD_FUNCTION = """
CREATE FUNCTION companies_find_board() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT board_id INTO NEW.board_id FROM boards WHERE source = NEW.source AND board = NEW.board;
    IF NEW.board_id IS NULL THEN
        INSERT INTO boards (source, board) VALUES (NEW.source, NEW.board) ON CONFLICT DO NOTHING;
        SELECT board_id INTO NEW.board_id FROM boards WHERE source = NEW.source AND board = NEW.board;
    END IF;
    RETURN NEW;
END
$$
"""

# Triggers run in the order of their names, so the user is locked (companies_lock_user) before a board is inserted.
BOARD_TRIGGER = """
CREATE TRIGGER companies_set_board BEFORE INSERT ON companies FOR EACH ROW EXECUTE FUNCTION companies_find_board()
"""

FILL = (
    "INSERT INTO boards (source, board) SELECT DISTINCT source, board FROM companies ORDER BY source, board",
    """
    UPDATE companies SET board_id = boards.board_id FROM boards
    WHERE boards.source = companies.source AND boards.board = companies.board
    """,
)

# They would answer "unchanged" about postings that are not there.
COLUMNS = {
    "listed_at": sa.DateTime(timezone=True),
    "outcome": sa.String(20),
    "outcome_detail": sa.Text(),
    "postings": sa.Integer(),
    "etag": sa.Text(),
    "last_modified": sa.Text(),
    "read_at": sa.DateTime(timezone=True),
    "schema_version": sa.Integer(),
}


def upgrade() -> None:
    op.add_column("companies", sa.Column("board_id", sa.BigInteger()))
    for statement in FILL:
        op.execute(statement)
    op.alter_column("companies", "board_id", existing_type=sa.BigInteger(), nullable=False)
    op.create_foreign_key("fk_companies_board_id_boards", "companies", "boards", ["board_id"], ["board_id"])
    op.create_index("ix_companies_board_id", "companies", ["board_id"])
    op.execute(BOARD_FUNCTION)
    op.execute(BOARD_TRIGGER)
    op.drop_constraint(op.f("ck_companies_listed_at_iff_outcome"), "companies")
    op.drop_constraint(op.f("ck_companies_outcome"), "companies")
    for name in COLUMNS:
        op.drop_column("companies", name)


def downgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("companies", sa.Column(name, kind))
    op.create_check_constraint(
        op.f("ck_companies_outcome"),
        "companies",
        "outcome IN ('ok', 'empty', 'not_found', 'gone', 'forbidden', 'throttled', 'changed', 'unreachable',"
        " 'moved', 'out_of_time')",
    )
    op.create_check_constraint(
        op.f("ck_companies_listed_at_iff_outcome"), "companies", "(listed_at IS NULL) = (outcome IS NULL)"
    )
    op.execute("DROP TRIGGER companies_set_board ON companies")
    op.execute("DROP FUNCTION companies_find_board()")
    op.drop_index("ix_companies_board_id", "companies")
    op.drop_constraint("fk_companies_board_id_boards", "companies", type_="foreignkey")
    op.drop_column("companies", "board_id")
