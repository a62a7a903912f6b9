"""Boards without a browser: ``flask --app wsgi sources …``.

They need no database. While Redis runs they keep the pace of all processes, else one of their own.
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

from app.cli.tables import print_table, truncate
from app.sources.adapters.registry import SOURCES
from app.sources.detect import BoardsToChoose, Detected, detect_url
from app.sources.errors import SourceError
from app.sources.http.client import HttpClient
from app.sources.http.rate_limit import CommandRateLimiter
from app.sources.listing import list_board
from app.sources.title_filter import decide
from app.sources.types import Listing, Posting

sources_group = AppGroup("sources", help="Look at the boards of companies.")

COLUMNS = ("SYSTEM", "NAME", "A BOARD'S ADDRESS", "DOCUMENTATION")
POSTING_COLUMNS = ("TAKEN", "TITLE", "LOCATION", "DEPARTMENT", "POSTED", "LINK")

MAX_CELL_WIDTH = 44


@sources_group.command("list")
def list_sources() -> None:
    """List the systems whose boards can be read."""
    print_table([COLUMNS, *((each.key, each.name, each.example, each.documentation) for each in SOURCES.values())])


@sources_group.command("detect")
@click.argument("url")
def detect(url: str) -> None:
    """Find the board that an address leads to, and look at it."""
    try:
        with _quiet():
            found = detect_url(_host(), url)
    except BoardsToChoose as several:
        for source, board in several.candidates:
            click.echo(f"{source.key} {board}  {source.page(board)}")
        raise click.ClickException(several.detail) from several
    except SourceError as error:
        raise click.ClickException(error.detail) from error
    _print_found(found)


@sources_group.command("preview")
@click.argument("system", type=click.Choice(list(SOURCES)))
@click.argument("boards", metavar="TOKEN...", nargs=-1, required=True)
@click.option("--include", multiple=True, help="Only titles with this; may be given several times.")
@click.option("--exclude", multiple=True, help="No titles with this; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a posting, with texts, and no table.")
def preview(
    system: str, boards: tuple[str, ...], include: tuple[str, ...], exclude: tuple[str, ...], as_json: bool
) -> None:
    """List the postings of boards, and which of them the filters take."""
    listings, faults = _listed(system, boards)
    for board, listing in listings.items():
        _print_listing(board, listing, include, exclude, as_json)
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    if faults:
        raise click.exceptions.Exit(1)


def _listed(system: str, boards: tuple[str, ...]) -> tuple[dict[str, Listing], list[str]]:
    """The listings by board, and a sentence for each that could not be listed."""
    listings: dict[str, Listing] = {}
    faults: list[str] = []
    host = _host()
    told: dict[str, Any] = {"label": "Listing", "file": sys.stderr, "hidden": not sys.stderr.isatty()}
    with _quiet(), click.progressbar(boards, item_show_func=lambda board: board, **told) as bar:
        for board in bar:
            try:
                listings[board] = list_board(host, system, board)
            except SourceError as error:
                faults.append(error.detail)
    return listings, faults


def _print_found(found: Detected) -> None:
    rows = {
        "system": f"{found.source.name} ({found.source.key})",
        "board": str(found.board),
        "name": found.name or "-",
        "address": found.url,
        "postings": f"{found.postings}{'' if found.is_complete else ', and more, which were not listed'}",
        "for example": "; ".join(found.titles) or "-",
        "note": found.note or "-",
    }
    for name, value in rows.items():
        click.echo(f"{name:14}{truncate(value, 200)}")


def _print_listing(
    board: str, listing: Listing, include: tuple[str, ...], exclude: tuple[str, ...], as_json: bool
) -> None:
    decided = [(posting, decide(posting.title, include, exclude)) for posting in listing.postings]
    if as_json:
        for posting, rule in decided:
            line = {"board": board, **asdict(posting), "taken": rule.taken, "rule": rule.kind.value, "term": rule.term}
            click.echo(json.dumps(line, default=datetime.isoformat))
        return
    if decided:
        print_table([POSTING_COLUMNS, *(_cells(posting, rule.taken) for posting, rule in decided)])
    taken = sum(rule.taken for _, rule in decided)
    click.echo(f"{board}: {taken} of {len(decided)} postings taken{_missing(listing)}", err=True)


def _missing(listing: Listing) -> str:
    if listing.unread:
        return f"; {listing.unread} more could not be read"
    if listing.passed:
        return f"; {listing.passed} pages without a posting were passed over"
    return "" if listing.is_complete else "; the board has more, which it did not list"


def _cells(posting: Posting, taken: bool) -> tuple[str, ...]:
    posted = posting.posted_at.date().isoformat() if posting.posted_at else "-"
    texts = (posting.title, "; ".join(posting.locations), posting.department)
    return ("yes" if taken else "no", *(truncate(text, MAX_CELL_WIDTH) for text in texts), posted, posting.url)


def _host() -> HttpClient:
    """The installation's host; while Redis does not run, one that paces this command alone."""
    host: HttpClient = current_app.extensions["sources"]
    return host if host.limiter.is_available() else host.paced_by(CommandRateLimiter())


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is told in a sentence at the end; the log's lines on the way are for servers."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
