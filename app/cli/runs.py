"""``flask --app wsgi runs …``: commands for ingestion runs."""

import signal
from threading import Event
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.database import with_database
from app.cli.tables import format_time, print_table, truncate
from app.models import MAX_COMPANIES, MAX_RUN_ID, RunStatus
from app.services.runs import company_queries, queries, transitions
from app.services.runs.audit_context import Actor
from app.worker import reconciler

runs_group = AppGroup("runs", help="List, show, abort and publish ingestion runs.")
RUN_ID = click.IntRange(1, MAX_RUN_ID)
RUN_COLUMNS = ("RUN", "USER", "STATUS", "COMPANIES", "FAILED", "JOBS", "CREATED", "FINISHED")
MAX_CELL_WIDTH = 44

NUMBERS = (
    "id user_id status retry_of preview_id previewed total_jobs jobs_ready jobs_skipped jobs_expired jobs_failed"
    " jobs_new jobs_changed jobs_reopened jobs_unchanged companies_total companies_waiting companies_reading"
    " companies_read companies_taken_in companies_failed dispatch_count attempts"
).split()
TIMES = "created_at started_at deadline_at worker_seen_at finished_at dispatched_at next_dispatch_at".split()

MATCHING = ("new", "changed", "reopened", "unchanged")
"""The jobs of a company that match its filters."""

DETAIL_WIDTH = 500


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
    """Show a run, its timeline and its companies."""
    run = queries.get(run_id)
    for name in NUMBERS:
        click.echo(f"{name:20}{_number(getattr(run, name))}")
    for name in TIMES:
        click.echo(f"{name:20}{format_time(getattr(run, name))}")
    for name, text in (("error_message", run.error_message), ("note", run.note), ("closings", _question(run))):
        click.echo(f"{name:20}{truncate(text, DETAIL_WIDTH)}")
    for event in queries.events(run_id):
        change = f"{event.from_status or 'start'} -> {event.to_status}"
        by = f"by {event.actor}, request {truncate(event.request_id, MAX_CELL_WIDTH)}"
        click.echo(f"  {event.seq}. {format_time(event.at)}  {change}  {by}")
    companies, *_ = company_queries.page(run_id, limit=MAX_COMPANIES)
    if companies:
        click.echo("Companies, the failed ones first:")
    for company in companies:
        _print_company(company)


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
    times = (format_time(time) for time in (run.created_at, run.finished_at))
    counts = map(_number, (run.companies_total, run.companies_failed, run.total_jobs))
    return (str(run.id), str(run.user_id), run.status.value, *counts, *times)


def _print_company(company: Any) -> None:
    """Print a company of a run: its state and board, and below it its counts and the detail, if there are any."""
    name, board = truncate(company.name, MAX_CELL_WIDTH), truncate(company.board, MAX_CELL_WIDTH)
    state = f"{company.state:9} {company.outcome or '-':12}"
    click.echo(f"  {company.position}. {state} {name} ({company.source}:{board})")
    if company.found is not None:
        matching = ", ".join(f"{_number(getattr(company, f'{name}_jobs'))} {name}" for name in MATCHING)
        click.echo(f"     {company.found} found, {_number(company.matched)} matched: {matching}")
    others = {"expired": company.expired_jobs, "held": company.held_closings, "unparsed": company.unparsed}
    if any(others.values()):
        click.echo(f"     {', '.join(f'{count} {name}' for name, count in others.items() if count)}")
    if company.detail:
        click.echo(f"     {truncate(company.detail, DETAIL_WIDTH)}")


def _question(run: Any) -> str | None:
    """Return the run's question about closings as a sentence, or None."""
    if run.closings_state is None:
        return None
    asked = f"expire {run.closings_count} of {run.closings_open} open jobs? {run.closings_state}"
    if run.closings_answered_at is None:
        return asked
    answer = "yes" if run.closings_expire else "no"
    return f"{asked} {answer} at {format_time(run.closings_answered_at)}; {run.closings_expired} expired"


def _number(value: Any) -> str:
    return "-" if value is None else str(value)
