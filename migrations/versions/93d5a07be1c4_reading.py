"""Reading: the time and the parser's version of a company's last listing."""

import sqlalchemy as sa
from alembic import op

revision = "93d5a07be1c4"
down_revision = "4be81d6f2c07"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("companies", sa.Column("read_at", sa.DateTime(timezone=True)))
    op.add_column("companies", sa.Column("schema_version", sa.Integer()))


def downgrade() -> None:
    op.drop_column("companies", "schema_version")
    op.drop_column("companies", "read_at")
