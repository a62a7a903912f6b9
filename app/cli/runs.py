"""``flask --app wsgi runs …``: commands for ingestion runs."""

import signal
from threading import Event
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.database import with_database
from app.cli.tables import format_time, print_table
from app.models import MAX_RUN_ID, RunStatus
from app.services.runs import queries, transitions
from app.services.runs.audit_context import Actor
from app.worker import reconciler

runs_group = AppGroup("runs", help="List, show, abort and publish ingestion runs.")
RUN_ID = click.IntRange(1, MAX_RUN_ID)
RUN_COLUMNS = ("RUN", "USER", "STATUS", "CREATED", "STARTED", "FINISHED", "PUBLISHED")


@runs_group.command("list")
@click.option("--status", type=click.Choice([status.value for status in RunStatus]), help="Show only this status.")
@click.option("--user", "user_id", type=click.IntRange(1, 2**63 - 1), help="Show only the user with this id.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Show at most this many.")
@with_database
def list_runs(status: str | None, user_id: int | None, limit: int) -> None:
    """List the runs of all users, newest first."""
    page, older = queries.newest(user_id, RunStatus(status) if status else None, limit=limit)
    print_table([RUN_COLUMNS] + [_cells(run) for run in page])
    if older:
        click.echo(f"There are older runs; show more with --limit {limit * 2}.", err=True)


@runs_group.command("show")
@click.argument("run_id", type=RUN_ID, metavar="ID")
@with_database
def show_run(run_id: int) -> None:
    """Show a run and its timeline."""
    run = queries.get(run_id)
    for name in ("id", "user_id", "status", "total_jobs", "jobs_ready", "jobs_skipped", "jobs_expired", "jobs_failed"):
        click.echo(f"{name:18}{'-' if getattr(run, name) is None else getattr(run, name)}")
    for name in ("created_at", "started_at", "finished_at", "dispatched_at", "next_dispatch_at"):
        click.echo(f"{name:18}{format_time(getattr(run, name))}")
    click.echo(f"{'dispatch_count':18}{run.dispatch_count}")
    click.echo(f"{'error_message':18}{run.error_message or '-'}")
    for event in queries.events(run_id):
        change = f"{event.from_status or 'start'} -> {event.to_status}"
        by = f"by {event.actor}, request {event.request_id or '-'}"
        click.echo(f"  {event.seq}. {format_time(event.at)}  {change}  {by}")


@runs_group.command("abort")
@click.argument("run_id", type=RUN_ID, metavar="ID")
@with_database
def abort_run(run_id: int) -> None:
    """Abort a run of any user."""
    transitions.abort(run_id, actor=Actor.OPERATOR)
    click.echo(f"Run {run_id} aborted")


@runs_group.command("reconcile")
@click.option("--once", is_flag=True, help="Run one pass and exit; otherwise one pass every 5 seconds.")
@with_database
def reconcile_runs(once: bool) -> None:
    """Publish the due messages of runs and previews. Several of these commands may run at once."""
    if not once:
        reconciler.reconcile_forever(_stopped_by_signal())
        return
    published = reconciler.reconcile_once()
    if published is None:
        raise click.ClickException("Redis does not answer. The pending runs are safe; start Redis and try again.")
    click.echo(f"{published} {'run' if published == 1 else 'runs'} published")


def _stopped_by_signal() -> Event:
    """Return an event that SIGTERM and Ctrl-C set, so that the loop ends between two passes."""
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _cells(run: Any) -> tuple[str, ...]:
    times = (format_time(time) for time in (run.created_at, run.started_at, run.finished_at, run.dispatched_at))
    return (str(run.id), str(run.user_id), run.status.value, *times)
