"""Run the migrations on the application's engine."""

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.embedded.data_dir import DataDirError
from app.embedded.on_demand import postgres_on_demand
from app.errors import describe_database_error
from app.extensions import db

# The key of the advisory lock that keeps two servers from migrating at once. Arbitrary, but it must never change.
MIGRATION_LOCK = 7_405_221


def run_migrations() -> None:
    # One transaction for all migrations. By default, each statement of this engine is a transaction.
    with db.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        # The engine's timeouts are for requests; a migration has none.
        connection.connection.driver_connection.response_timeout = None
        connection.detach()
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise CommandError("The migrations need the database itself; --sql is not supported.")

try:
    settings = current_app.config["SETTINGS"]
    with postgres_on_demand(settings.data_dir, settings.embedded_database):
        run_migrations()
except DBAPIError as error:
    raise CommandError(describe_database_error(error)) from error
except DataDirError as error:
    raise CommandError(str(error)) from error
