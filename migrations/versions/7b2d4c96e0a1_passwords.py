"""Passwords: their hashes and versions; e-mail addresses are unique regardless of case."""

import sqlalchemy as sa
from alembic import op

revision = "7b2d4c96e0a1"
down_revision = "0a9d3c71e5b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("password_hash", sa.Text()))
    op.add_column("users", sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index("uq_users_email_lower", "users", [sa.text("lower(email)")], unique=True)


def downgrade() -> None:
    op.drop_index("uq_users_email_lower", "users")
    op.drop_column("users", "epoch")
    op.drop_column("users", "password_hash")
