"""Boards on the command line: ``flask --app wsgi sources …``.

The commands need no database, except ``off`` and ``on``; ``list`` shows the switches if there is one. They share the
rate limits of all processes. Without Redis, each command has its own.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.database import with_database
from app.cli.tables import print_table, truncate
from app.errors import DatabaseUnavailable
from app.services.boards import switches
from app.sources.adapters.registry import SOURCES
from app.sources.detect import BoardsToChoose, Detected, detect_url
from app.sources.errors import SourceError
from app.sources.http.client import HttpClient
from app.sources.http.rate_limit import CommandRateLimiter
from app.sources.listing import list_board
from app.sources.title_filter import Rule, TitleFilter
from app.sources.types import Listing, Posting

sources_group = AppGroup("sources", help="Find and list the boards of companies, and switch sources off and on.")

SOURCE_COLUMNS = ("SOURCE", "NAME", "READING", "EXAMPLE OF A BOARD", "DOCUMENTATION")
POSTING_COLUMNS = ("MATCH", "TITLE", "LOCATION", "DEPARTMENT", "POSTED", "LINK")

MAX_CELL_WIDTH = 44


@sources_group.command("list")
def list_sources() -> None:
    """List the supported sources, and which of them are switched off."""
    off = _switched_off()
    for_each = {key: "-" if off is None else "OFF" if key in off else "ON" for key in SOURCES}
    rows = [(key, each.name, for_each[key], each.example, each.documentation) for key, each in SOURCES.items()]
    print_table([SOURCE_COLUMNS, *rows])


@sources_group.command("off")
@click.argument("source", metavar="SYSTEM", type=click.Choice(list(SOURCES)))
@with_database
def switch_off(source: str) -> None:
    """Read no board of a system from now on, for example because its vendor complains."""
    if switches.switch_off(source):
        click.echo(f"{SOURCES[source].name} is switched off: none of its boards is read. Readings in progress end.")
    else:
        click.echo(f"{SOURCES[source].name} was off already; nothing changed.")


@sources_group.command("on")
@click.argument("source", metavar="SYSTEM", type=click.Choice(list(SOURCES)))
@with_database
def switch_on(source: str) -> None:
    """Read the boards of a system again."""
    if switches.switch_on(source):
        click.echo(f"{SOURCES[source].name} is switched on: its boards are read again.")
    else:
        click.echo(f"{SOURCES[source].name} was on already; nothing changed.")


@sources_group.command("detect")
@click.argument("url")
def detect(url: str) -> None:
    """Find and list the board that a URL leads to."""
    try:
        with _quiet():
            found = detect_url(_client(), url)
    except BoardsToChoose as several:
        for each in several.candidates:
            click.echo(f"{each.source.key} {each.board}  {each.source.page(each.board)}")
        raise click.ClickException(several.detail) from several
    except SourceError as error:
        raise click.ClickException(error.detail) from error
    _print_detected(found)


@sources_group.command("preview")
@click.argument("source", type=click.Choice(list(SOURCES)))
@click.argument("boards", metavar="BOARD...", nargs=-1, required=True)
@click.option("--include", multiple=True, help="Match only titles with this term. May be repeated.")
@click.option("--exclude", multiple=True, help="Match no titles with this term. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per posting, with texts, and no table.")
def preview(
    source: str, boards: tuple[str, ...], include: tuple[str, ...], exclude: tuple[str, ...], as_json: bool
) -> None:
    """List the postings of boards, and show which of them match the filters."""
    listings, faults = _list(source, boards)
    for board, listing in listings.items():
        _print_listing(board, listing, include, exclude, as_json)
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    if faults:
        raise click.exceptions.Exit(1)


def _list(source: str, boards: tuple[str, ...]) -> tuple[dict[str, Listing], list[str]]:
    """Return the listings by board, and an error sentence for each board that could not be listed."""
    listings: dict[str, Listing] = {}
    faults: list[str] = []
    client = _client()
    options: dict[str, Any] = {"label": "Listing", "file": sys.stderr, "hidden": not sys.stderr.isatty()}
    with _quiet(), click.progressbar(boards, item_show_func=lambda board: board, **options) as bar:
        for board in bar:
            try:
                listings[board] = list_board(client, source, board)
            except SourceError as error:
                faults.append(error.detail)
    return listings, faults


def _switched_off() -> frozenset[str] | None:
    """Return the sources that are switched off; None without a database."""
    try:
        with _quiet():
            return switches.switched_off()
    except DatabaseUnavailable:
        return None


def _print_detected(found: Detected) -> None:
    rows = {
        "source": f"{found.source.name} ({found.source.key})",
        "board": str(found.board),
        "name": found.name or "-",
        "address": found.url,
        "postings": f"{found.postings}{'' if found.is_complete else ' (incomplete: the board has more)'}",
        "for example": "; ".join(found.titles) or "-",
        "note": found.note or "-",
    }
    for name, value in rows.items():
        click.echo(f"{name:14}{truncate(value, 200)}")


def _print_listing(
    board: str, listing: Listing, include: tuple[str, ...], exclude: tuple[str, ...], as_json: bool
) -> None:
    title_filter = TitleFilter(include, exclude)
    decided = [(posting, title_filter.decide(posting.title)) for posting in listing.postings]
    if as_json:
        for posting, rule in decided:
            click.echo(_json_line(board, posting, rule))
        return
    if decided:
        print_table([POSTING_COLUMNS, *(_cells(posting, rule) for posting, rule in decided)])
    matches = sum(rule.is_match for _, rule in decided)
    click.echo(f"{board}: {matches} of {len(decided)} postings match{_missing(listing)}", err=True)


def _json_line(board: str, posting: Posting, rule: Rule) -> str:
    decision = {"matched": rule.is_match, "rule": rule.kind.value, "term": rule.term}
    return json.dumps({"board": board, **asdict(posting), **decision}, default=datetime.isoformat)


def _missing(listing: Listing) -> str:
    """Return the end of the summary: the records and pages that are missing from the listing."""
    if listing.unparsed:
        return f"; {listing.unparsed} more could not be read"
    if listing.skipped_pages:
        return f"; {listing.skipped_pages} pages without a posting were skipped"
    return "" if listing.is_complete else "; the listing is incomplete: the board has more"


def _cells(posting: Posting, rule: Rule) -> tuple[str, ...]:
    posted = posting.posted_at.date().isoformat() if posting.posted_at else "-"
    texts = (posting.title, "; ".join(posting.locations), posting.department)
    return (
        "yes" if rule.is_match else "no",
        *(truncate(text, MAX_CELL_WIDTH) for text in texts),
        posted,
        posting.url,
    )


def _client() -> HttpClient:
    """Return the application's client. Without Redis, it gets a rate limiter for this command alone."""
    client: HttpClient = current_app.extensions["sources"]
    return client if client.limiter.is_available() else client.with_limiter(CommandRateLimiter())


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress log lines, because the command prints each error as a sentence at its end."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
