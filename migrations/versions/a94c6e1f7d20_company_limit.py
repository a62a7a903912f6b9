"""Company limit: a user has at most 1,000 companies, however many requests come at once."""

from alembic import op

revision = "a94c6e1f7d20"
down_revision = "b7e05d9c3f14"
branch_labels = None
depends_on = None

# The lock on the user makes simultaneous inserts wait for each other, before they lock any company.
# NO KEY UPDATE does not disturb the foreign keys of runs and previews.
LOCK_FUNCTION = """
CREATE FUNCTION companies_lock_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE user_id = NEW.user_id FOR NO KEY UPDATE;
    RETURN NEW;
END
$$
"""

LOCK_TRIGGER = """
CREATE TRIGGER companies_lock_user BEFORE INSERT ON companies FOR EACH ROW EXECUTE FUNCTION companies_lock_user()
"""

# Only a trigger can count after that wait: each of its statements has a new snapshot, while the INSERT itself keeps the
# one from before the wait. The limit is checked once for each INSERT. The table of new rows omits the companies that an
# INSERT ... ON CONFLICT DO UPDATE has changed.
LIMIT_FUNCTION = """
CREATE FUNCTION companies_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint;
BEGIN
    FOR owner IN SELECT DISTINCT user_id FROM new_companies LOOP
        IF (SELECT count(*) FROM companies WHERE user_id = owner) > 1000 THEN
            RAISE EXCEPTION 'user % would have more than 1000 companies', owner
                USING ERRCODE = 'check_violation', TABLE = 'companies', CONSTRAINT = 'companies_limit';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

LIMIT_TRIGGER = """
CREATE TRIGGER companies_limit AFTER INSERT ON companies REFERENCING NEW TABLE AS new_companies
FOR EACH STATEMENT EXECUTE FUNCTION companies_limit()
"""


def upgrade() -> None:
    for statement in (LOCK_FUNCTION, LOCK_TRIGGER, LIMIT_FUNCTION, LIMIT_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    for name in ("companies_limit", "companies_lock_user"):
        op.execute(f"DROP TRIGGER {name} ON companies")
        op.execute(f"DROP FUNCTION {name}()")
