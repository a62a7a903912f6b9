"""The operator's command line: ``flask --app wsgi runs …`` and ``users …``. Every error is a sentence."""

import re
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from threading import Event
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from app.data_dir import DataDirError
from app.errors import AppError, DatabaseUnavailable, database_sentence
from app.models import LARGEST_RUN_ID, RunStatus
from app.on_demand import on_demand
from app.schemas.auth import LONGEST_EMAIL, LONGEST_NAME, LONGEST_PASSWORD, SHORTEST_PASSWORD
from app.services import credentials, runs, users
from app.services.traces import Actor
from app.source_commands import sources_group
from app.tasks import reconcile
from app.terminal import print_table

runs_group = AppGroup("runs", help="Look after ingestion runs.")
users_group = AppGroup("users", help="Look after the people who sign in (AUTH=accounts).")

RUN_ID = click.IntRange(1, LARGEST_RUN_ID)
USER_COLUMNS = ("USER", "EMAIL", "CREATED", "LAST SIGN-IN", "SESSIONS AND TOKENS")
COLUMNS = ("RUN", "USER", "STATUS", "CREATED", "STARTED", "FINISHED", "HANDED OVER")


def init_app(app: Flask) -> None:
    """Register the commands; a server started by one of Flask's own must be fit to serve. Raises SettingsError."""
    context = click.get_current_context(silent=True)
    if context and context.info_name == "run":
        app.config["SETTINGS"].check_serving(context.params["host"])
    app.cli.add_command(runs_group)
    app.cli.add_command(users_group)
    app.cli.add_command(sources_group)


def with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Run a command with the database answering, and turn its errors into sentences."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            with on_demand(current_app.config["SETTINGS"]):
                command(*args, **kwargs)
        except DatabaseUnavailable as error:
            raise click.ClickException(error.reason) from error
        except AppError as error:
            raise click.ClickException(error.detail) from error
        except DataDirError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(database_sentence(error)) from error

    return wrapped


@runs_group.command("list")
@click.option("--status", type=click.Choice([status.value for status in RunStatus]), help="Only runs in this status.")
@click.option("--user", "user_id", type=click.IntRange(1, 2**63 - 1), help="Only runs of the user with this id.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@with_database
def list_runs(status: str | None, user_id: int | None, limit: int) -> None:
    """List runs of all users, newest first."""
    page, older = runs.newest(user_id, RunStatus(status) if status else None, limit=limit)
    print_table([COLUMNS] + [_cells(run) for run in page])
    if older:
        click.echo(f"There are older ones; show more with --limit {limit * 2}.", err=True)


@runs_group.command("show")
@click.argument("run_id", type=RUN_ID, metavar="ID")
@with_database
def show_run(run_id: int) -> None:
    """Show a run and its timeline."""
    run = runs.get(run_id)
    for name in ("id", "user_id", "status", "total_jobs", "jobs_ready", "jobs_skipped", "jobs_expired", "jobs_failed"):
        click.echo(f"{name:18}{'-' if getattr(run, name) is None else getattr(run, name)}")
    for name in ("created_at", "started_at", "finished_at", "dispatched_at", "next_dispatch_at"):
        click.echo(f"{name:18}{_time(getattr(run, name))}")
    click.echo(f"{'dispatch_count':18}{run.dispatch_count}")
    click.echo(f"{'error_message':18}{run.error_message or '-'}")
    for event in runs.events(run_id):
        change = f"{event.from_status or 'start'} -> {event.to_status}"
        click.echo(f"  {event.seq}. {_time(event.at)}  {change}  by {event.actor}, request {event.request_id or '-'}")


@runs_group.command("abort")
@click.argument("run_id", type=RUN_ID, metavar="ID")
@with_database
def abort_run(run_id: int) -> None:
    """Abort a run, whoever started it."""
    runs.abort(run_id, actor=Actor.OPERATOR)
    click.echo(f"Run {run_id} aborted")


@runs_group.command("reconcile")
@click.option("--once", is_flag=True, help="One pass instead of one every 5 seconds.")
@with_database
def reconcile_runs(once: bool) -> None:
    """Publish the messages of runs that were not handed over; any number of these may run at once."""
    if not once:
        reconcile.reconcile_forever(_stopped_by_signal())
        return
    published = reconcile.reconcile_once()
    if published is None:
        raise click.ClickException("Redis does not answer; the pending runs keep until it does.")
    click.echo(f"{published} runs handed over")


@users_group.command("add")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@with_database
def add_user(email: str, password_stdin: bool) -> None:
    """Add somebody who may sign in."""
    if not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", email) or len(email) > LONGEST_EMAIL:
        raise click.ClickException(f"{email!r} is no e-mail address that a browser would send.")
    if users.by_email(email):
        raise click.ClickException(f"There is a user {email} already.")
    users.add(email, _new_password(password_stdin))
    click.echo(f"{email.strip().lower()} may sign in")


@users_group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@with_database
def set_password(email: str, password_stdin: bool) -> None:
    """Give somebody a new password; his sessions and tokens end."""
    user = users.named(email)
    if not users.set_password(user.user_id, _new_password(password_stdin)):
        raise click.ClickException(f"{user.email} was removed meanwhile.")
    click.echo(f"{user.email} has a new password; every session and token has ended")


@users_group.command("token")
@click.argument("email")
@click.option("--name", default="made by the operator", show_default=True, help="What it is for.")
@click.option("--days", type=click.IntRange(1, 3660), help="It expires after so many; without this, never.")
@with_database
def make_token(email: str, name: str, days: int | None) -> None:
    """Print a new token, alone, on standard output."""
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise click.ClickException(f"A token's name has 1 to {LONGEST_NAME} characters that can be printed.")
    click.echo(credentials.make_token(users.named(email).user_id, name, days).secret)


@users_group.command("list")
@with_database
def list_users() -> None:
    """List everybody."""
    rows = [
        (str(user.user_id), user.email, _time(user.created_at), _time(user.last_login), str(user.credentials))
        for user in users.everybody()
    ]
    print_table([USER_COLUMNS, *rows])


@users_group.command("remove")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_database
def remove_user(email: str, yes: bool) -> None:
    """Remove somebody with his runs and jobs; his sessions and tokens end at once."""
    user = users.named(email)
    if not yes:
        click.confirm(f"Remove {user.email} with all runs and jobs?", abort=True)
    users.remove(user.user_id)
    click.echo(f"{user.email} is removed")


def _new_password(from_stdin: bool) -> str:
    try:
        password = sys.stdin.readline().rstrip("\r\n") if from_stdin else _ask_password()
        password.encode()
    except UnicodeError as error:
        raise click.ClickException("The password is not valid UTF-8.") from error
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or "\x00" in password:
        raise click.ClickException(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return password


def _ask_password() -> str:
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _stopped_by_signal() -> Event:
    """An event that SIGTERM and Ctrl-C set, so that the loop ends between two passes."""
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _cells(run: Any) -> tuple[str, ...]:
    times = (_time(moment) for moment in (run.created_at, run.started_at, run.finished_at, run.dispatched_at))
    return (str(run.id), str(run.user_id), run.status.value, *times)


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "-"
