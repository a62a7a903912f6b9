"""Registration of the operator's commands with Flask."""

import click
from flask import Flask

from app.cli.boards import boards_group
from app.cli.jobs import jobs_group
from app.cli.runs import runs_group
from app.cli.sources import sources_group
from app.cli.users import users_group


def init_app(app: Flask) -> None:
    """Register the commands. Raises SettingsError if ``flask run`` cannot serve with these settings."""
    context = click.get_current_context(silent=True)
    if context and context.info_name == "run":
        app.config["SETTINGS"].check_serving(context.params["host"])
    app.cli.add_command(boards_group)
    app.cli.add_command(runs_group)
    app.cli.add_command(jobs_group)
    app.cli.add_command(users_group)
    app.cli.add_command(sources_group)
