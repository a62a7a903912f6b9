"""Who owns runs."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import table_of
from app.models import User
from app.services.database import run_statement

USERS = table_of(User)

LOCAL_EMAIL = "local@localhost"
"""The one user of AUTH=local; no mail can reach this address."""


def local_user_id() -> int:
    """Return the id of the one local user, who is made when first asked for. Commits then."""
    wanted = select(USERS.c.user_id).where(USERS.c.email == LOCAL_EMAIL)
    if not (rows := run_statement(wanted)):
        run_statement(insert(USERS).values(email=LOCAL_EMAIL, name="You").on_conflict_do_nothing())
        rows = run_statement(wanted)
    return rows[0].user_id
