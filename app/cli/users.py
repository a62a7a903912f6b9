"""``flask --app wsgi users …``: commands for user accounts."""

import re
import sys

import click
from flask.cli import AppGroup
from marshmallow import ValidationError

from app.cli.database import with_database
from app.cli.tables import format_time, print_table
from app.errors import DatabaseUnavailable
from app.models import MAX_TOKENS
from app.schemas.auth import (
    MAX_EMAIL_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_TOKEN_NAME_LENGTH,
    MIN_PASSWORD_LENGTH,
    NEW_PASSWORD_LENGTH,
)
from app.services import removal
from app.services.accounts import credentials, users
from app.services.accounts.errors import TooManyTokens
from app.services.runs.audit_context import Actor

users_group = AppGroup("users", help="Add, list and remove users, for AUTH=accounts.")

USER_COLUMNS = ("USER", "EMAIL", "CREATED", "LAST SIGN-IN", "SESSIONS AND TOKENS")


@users_group.command("add")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@with_database
def add_user(email: str, password_stdin: bool) -> None:
    """Add a user who can sign in."""
    if not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", email) or len(email) > MAX_EMAIL_LENGTH:
        raise click.ClickException(f"{email!r} is not a valid e-mail address: use ASCII, without blanks.")
    if users.find_by_email(email):
        raise click.ClickException(f"There is already a user {email}.")
    users.add(email, _new_password(password_stdin))
    click.echo(f"User {email.strip().lower()} added")


@users_group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@with_database
def set_password(email: str, password_stdin: bool) -> None:
    """Set a user's password.

    All their sessions and tokens end.
    """
    user = users.get_by_email(email)
    if not users.set_password(user.user_id, _new_password(password_stdin)):
        raise click.ClickException(f"User {user.email} no longer exists.")
    click.echo(f"Password of {user.email} changed; all sessions and tokens have ended")


@users_group.command("token")
@click.argument("email")
@click.option("--name", default="made by the operator", show_default=True, help="The token's name.")
@click.option("--days", type=click.IntRange(1, 3660), help="Days until it expires; by default it never does.")
@with_database
def make_token(email: str, name: str, days: int | None) -> None:
    """Create an API token and print it.

    Nothing else is printed on standard output.
    """
    if not name.isprintable() or not 1 <= len(name) <= MAX_TOKEN_NAME_LENGTH:
        raise click.ClickException(f"A token's name must have 1 to {MAX_TOKEN_NAME_LENGTH} printable characters.")
    user = users.get_by_email(email)
    try:
        click.echo(credentials.make_token(user.user_id, name, days).secret)
    except TooManyTokens as error:
        reason = f"{user.email} has {MAX_TOKENS} tokens, the maximum. They can revoke some on their account page."
        raise click.ClickException(reason) from error


@users_group.command("list")
@with_database
def list_users() -> None:
    """List all users."""
    rows = [
        (
            str(user.user_id),
            user.email,
            format_time(user.created_at),
            format_time(user.last_login),
            str(user.credentials),
        )
        for user in users.list_users()
    ]
    print_table([USER_COLUMNS, *rows])


@users_group.command("remove")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_database
def remove_user(email: str, yes: bool) -> None:
    """Remove a user with their runs and jobs.

    All their sessions and tokens end at once. If the command is interrupted or fails, the product removes the rest.
    """
    user = users.get_by_email(email)
    if not yes:
        click.confirm(f"Remove user {user.email} with all their runs and jobs?", abort=True)
    if not removal.mark_removed(user.user_id, actor=Actor.OPERATOR):
        raise click.ClickException(f"User {user.email} no longer exists.")
    try:
        removal.finish(user.user_id)
    except (KeyboardInterrupt, DatabaseUnavailable) as error:
        reason = f"User {user.email} is removed. The product deletes the rest of their rows by itself."
        raise click.ClickException(reason) from error
    click.echo(f"User {user.email} removed")


def _new_password(from_stdin: bool) -> str:
    try:
        password = sys.stdin.readline().rstrip("\r\n") if from_stdin else _ask_password()
        password.encode()
    except UnicodeError as error:
        raise click.ClickException("The password is not valid UTF-8.") from error
    length = f"A password must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters."
    try:
        NEW_PASSWORD_LENGTH(password)
    except ValidationError as error:
        raise click.ClickException(length) from error
    if "\x00" in password:
        raise click.ClickException(length)
    return password


def _ask_password() -> str:
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)
