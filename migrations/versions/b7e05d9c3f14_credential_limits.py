"""Limits: a user has at most 50 valid tokens and at most 100 sessions, however many requests come at once."""

from alembic import op

revision = "b7e05d9c3f14"
down_revision = "8c41f6d2a97e"
branch_labels = None
depends_on = None

# The lock on the user makes simultaneous inserts wait for each other. Only a trigger can count after that wait: each of
# its statements has a new snapshot, while the INSERT itself keeps the one from before the wait.
# NO KEY UPDATE does not disturb the foreign keys of runs and companies.
LIMIT_FUNCTION = """
CREATE FUNCTION credentials_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    user_epoch integer;
BEGIN
    SELECT epoch INTO user_epoch FROM users WHERE user_id = NEW.user_id FOR NO KEY UPDATE;
    IF NEW.kind = 'session' THEN
        DELETE FROM credentials WHERE credential_id IN (
            SELECT credential_id FROM credentials WHERE user_id = NEW.user_id AND kind = 'session'
            ORDER BY credential_id DESC OFFSET 99
        );
    ELSIF 50 <= (
        SELECT count(*) FROM credentials
        WHERE user_id = NEW.user_id AND kind = 'token' AND epoch = user_epoch
        AND (expires_at IS NULL OR expires_at > clock_timestamp())
    ) THEN
        RAISE EXCEPTION 'user % has 50 tokens', NEW.user_id
            USING ERRCODE = 'check_violation', TABLE = 'credentials', CONSTRAINT = 'credentials_limit';
    END IF;
    RETURN NEW;
END
$$
"""

LIMIT_TRIGGER = """
CREATE TRIGGER credentials_limit BEFORE INSERT ON credentials FOR EACH ROW EXECUTE FUNCTION credentials_limit()
"""


def upgrade() -> None:
    op.execute(LIMIT_FUNCTION)
    op.execute(LIMIT_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER credentials_limit ON credentials")
    op.execute("DROP FUNCTION credentials_limit()")
