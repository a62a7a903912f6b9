"""``flask --app wsgi jobs …``: commands for the jobs that runs brought."""

from collections.abc import Iterator
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.database import with_database
from app.cli.tables import format_time, print_table, truncate
from app.models import MAX_RUN_ID
from app.services.jobs import queries
from app.services.jobs.queries import JobState

jobs_group = AppGroup("jobs", help="List and show the jobs that runs brought.")

JOB_COLUMNS = ("JOB", "USER", "COMPANY", "TITLE", "PLACE", "STATE", "FOUND")
MAX_CELL_WIDTH = 44
COMPANY_WIDTH, TITLE_WIDTH, PLACE_WIDTH = 16, 28, 14
"""So that a line of the list has about a hundred columns."""

MAX_LINE_WIDTH = 500


@jobs_group.command("list")
@click.option("--user", "user_id", type=click.IntRange(1, 2**63 - 1), help="Show only the user with this id.")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Show only this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Show at most this many.")
@with_database
def list_jobs(user_id: int | None, state: str | None, limit: int) -> None:
    """List the jobs of all users, those first that were found last."""
    jobs, older = queries.page(user_id, state=state, limit=limit)
    print_table([JOB_COLUMNS] + [_cells(job) for job in jobs])
    if older:
        click.echo(f"There are older jobs; show more with --limit {limit * 2}.", err=True)


@jobs_group.command("show")
@click.argument("job_id", type=click.IntRange(1, MAX_RUN_ID), metavar="ID")
@with_database
def show_job(job_id: int) -> None:
    """Show a job and its history, without its texts."""
    job, rule = queries.get(job_id)
    for name, value in _facts(job):
        click.echo(f"{name:16}{truncate(value, MAX_LINE_WIDTH)}")
    decision = f"{rule.kind} {rule.term or ''}" if rule else None
    click.echo(f"{'rule':16}{truncate(decision, MAX_LINE_WIDTH)}")
    for event in queries.history(job_id):
        changed = truncate(", ".join(event.fields) or None, MAX_CELL_WIDTH)
        of = f"run {event.run_id}, listing {event.listing_id or '-'}"
        click.echo(f"  {event.event_id}. {format_time(event.at)}  {event.kind}  {changed}  {of}")


def _facts(job: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the names and values of a job."""
    for name in ("id", "user_id", "run_id", "posting_id"):
        yield name, None if getattr(job, name) is None else str(getattr(job, name))
    for name in ("company", "company_name", "external_id", "title"):
        yield name, getattr(job, name)
    yield "locations", "; ".join(job.locations) or None
    for name in ("workplace", "employment_type", "url", "status", "state"):
        yield name, getattr(job, name)
    for name in ("posted_at", "created_at", "updated_at", "missing_since", "expired_at"):
        yield name, format_time(getattr(job, name))
    for name in ("description", "requirements"):
        text = getattr(job, name)
        yield name, f"{len(text)} characters" if text else None


def _cells(job: Any) -> tuple[str, ...]:
    company, title = truncate(job.company_name or job.company, COMPANY_WIDTH), truncate(job.title, TITLE_WIDTH)
    place = truncate("; ".join(job.locations) or None, PLACE_WIDTH)
    found = format_time(job.created_at)[:10]
    return str(job.id), str(job.user_id), company, title, place, job.state, found
