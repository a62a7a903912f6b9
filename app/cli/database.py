"""The database for the duration of a command."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import current_app
from sqlalchemy.exc import DBAPIError

from app.embedded.data_dir import DataDirError
from app.embedded.on_demand import postgres_on_demand
from app.errors import AppError, DatabaseUnavailable, describe_database_error


def with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: keep the database running for it, and print errors as sentences."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        settings = current_app.config["SETTINGS"]
        try:
            with postgres_on_demand(settings.data_dir, settings.embedded_database):
                command(*args, **kwargs)
        except DatabaseUnavailable as error:
            raise click.ClickException(error.reason) from error
        except AppError as error:
            raise click.ClickException(error.detail) from error
        except DataDirError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(describe_database_error(error)) from error

    return wrapped
