"""``flask --app wsgi boards …``: commands for the boards that all users share."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.database import with_database
from app.cli.tables import format_time, print_table, truncate
from app.services.boards import holds, queries, worker
from app.services.boards.queries import BoardState
from app.sources.adapters.registry import SOURCES
from app.tasks.boards import answer

boards_group = AppGroup("boards", help="List, show, read, hold and release the boards that all users share.")

MAX_BOARD_ID = 2**63 - 1
MAX_CELL_WIDTH = 44
SHOWN_LISTINGS = 10

BOARD_COLUMNS = ("ID", "SOURCE", "BOARD", "LISTED", "CLASS", "OPEN", "MISSING", "USERS")
COUNTS = {
    "found": "FOUND",
    "new_postings": "NEW",
    "changed_postings": "CHANGED",
    "unchanged_postings": "UNCHANGED",
    "reopened_postings": "REOPENED",
    "missing_postings": "MISSING",
    "closed_postings": "CLOSED",
    "unparsed": "UNPARSED",
}
"""The counts of a listing, with their headings."""

LISTING_COLUMNS = ("LISTING", "BEGAN", "CLASS", "OUTCOME", *COUNTS.values(), "SENTENCE")


def board_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: it takes the id of a board, or its source and its name there."""
    argument = click.argument("words", nargs=-1, required=True, metavar="BOARD_ID | SOURCE BOARD")
    return argument(command)


@boards_group.command("list")
@click.option("--source", type=click.Choice(list(SOURCES)), help="Show only boards of this source.")
@click.option("--state", type=click.Choice([state.value for state in BoardState]), help="Show only this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Show at most this many.")
@with_database
def list_boards(source: str | None, state: str | None, limit: int) -> None:
    """List the boards, those first that were read last."""
    boards, has_more = queries.list_boards(source, BoardState(state) if state else None, limit=limit)
    print_table([BOARD_COLUMNS] + [_board_cells(board) for board in boards])
    if has_more:
        click.echo(f"There are more boards; show more with --limit {limit * 2}.", err=True)


@boards_group.command("show")
@board_argument
@with_database
def show_board(words: tuple[str, ...]) -> None:
    """Show a board, the evidence about it, and its last listings."""
    board = queries.get(_board_id(words))
    for name, value in _facts(board):
        click.echo(f"{name:16}{truncate(value, 200)}")
    for sentence in _evidence(board):
        click.echo(f"  {sentence}")
    listings = queries.last_listings(board.board_id, SHOWN_LISTINGS)
    if listings:
        print_table([LISTING_COLUMNS] + [_listing_cells(listing) for listing in listings])


@boards_group.command("read")
@board_argument
@with_database
def read_board(words: tuple[str, ...]) -> None:
    """Read a board now, in this process, and print the outcome."""
    board = queries.get(_board_id(words))
    listing = queries.get_listing(worker.read_now(board.board_id, answer))
    counts = ", ".join(f"{heading.lower()} {getattr(listing, name)}" for name, heading in COUNTS.items())
    click.echo(f"{_title(board)}: listing {listing.listing_id} is {listing.state} ({listing.code})")
    if listing.found is not None:
        click.echo(counts)
    if listing.sentence:
        click.echo(truncate(listing.sentence, 500))


@boards_group.command("hold")
@board_argument
@with_database
def hold_board(words: tuple[str, ...]) -> None:
    """Let no listing make a posting of a board missing or closed, until it is released."""
    board = queries.get(_board_id(words))
    if holds.hold(board.board_id):
        click.echo(f"{_title(board)} is on hold: no listing makes a posting missing or closed until it is released.")
    else:
        click.echo(f"{_title(board)} was on hold already; nothing changed.")


@boards_group.command("release")
@board_argument
@with_database
def release_board(words: tuple[str, ...]) -> None:
    """End the hold of a board, and let its next complete listing pass, however small it is."""
    board = queries.get(_board_id(words))
    released = holds.release(board.board_id)
    if released is None:
        click.echo(f"{_title(board)} was released already; nothing changed.")
        return
    if released.was_on_hold:
        click.echo(f"{_title(board)} is no longer on hold.")
    if released.held_listing_id:
        click.echo(f"Listing {released.held_listing_id} of {_title(board)} is no longer held.")
    click.echo(f"The next complete listing of {_title(board)} counts, however many postings it lacks.")


def _board_id(words: tuple[str, ...]) -> int:
    """Return the id that the words name. Raises UsageError, and BoardNotFound for an unknown name."""
    if len(words) == 1 and words[0].isascii() and words[0].isdigit() and 1 <= int(words[0]) <= MAX_BOARD_ID:
        return int(words[0])
    if len(words) != 2 or words[0] not in SOURCES:
        raise click.UsageError(f"Give the id of a board, or its source ({', '.join(SOURCES)}) and its name there.")
    try:
        return queries.find(words[0], SOURCES[words[0]].valid_board(words[1]))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _title(board: Any) -> str:
    return f"Board {board.board_id} ({board.source} {truncate(board.board, MAX_CELL_WIDTH)})"


def _facts(board: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the board's state."""
    yield "board_id", str(board.board_id)
    yield "source", board.source
    yield "board", board.board
    for name in ("created_at", "listed_at", "failed_until", "complete_at", "validated_at", "second_look_at"):
        yield name, format_time(getattr(board, name))
    for name in ("lease_until", "not_before"):
        yield name, format_time(getattr(board, name))
    for name in ("attempt", "open", "missing", "users", "schema_version"):
        value = getattr(board, name)
        yield name, "-" if value is None else str(value)


def _evidence(board: Any) -> Iterator[str]:
    """Yield a sentence for each piece of evidence that the board carries, and for the next look."""
    if board.is_on_hold:
        yield "On hold: no listing makes a posting missing or closed until the board is released."
    if board.is_shrink_allowed:
        yield "Released: its next complete listing is not held, however many postings it lacks."
    if board.missing:
        first = _witness(board.first_missing_id, board.first_missing_began_at)
        yield f"Missing: {board.missing} of its {board.open} open postings. The first witness is {first}."
    if board.held_listing_id:
        first = _witness(board.held_listing_id, board.held_began_at)
        yield f"Held: it lacks {board.held_lacking or 'many'} open postings. The first witness is {first}."
    if board.empty_listing_id:
        first = _witness(board.empty_listing_id, board.empty_began_at)
        yield f"Empty: {board.empty_count} in a row. The first witness is {first}."
    if board.gone_listing_id:
        first = _witness(board.gone_listing_id, board.gone_began_at)
        last = _witness(board.gone_last_listing_id, board.gone_last_began_at)
        yield f"Not found: {board.gone_count} in a row. The first witness is {first}, the last one is {last}."
    if board.gone_at:
        yield f"Gone since {format_time(board.gone_at)}."
    due = f"is due at {format_time(board.look_again_at)}" if board.look_again_at else "is not needed"
    yield f"The next second look {due}."


def _witness(listing_id: int, began_at: datetime | None) -> str:
    return f"listing {listing_id}, which began at {format_time(began_at)}"


def _board_cells(board: Any) -> tuple[str, ...]:
    counts = (str(number) for number in (board.open, board.missing, board.users))
    name = truncate(board.board, MAX_CELL_WIDTH)
    return (str(board.board_id), board.source, name, format_time(board.listed_at), board.state or "-", *counts)


def _listing_cells(listing: Any) -> tuple[str, ...]:
    counts = ("-" if getattr(listing, name) is None else str(getattr(listing, name)) for name in COUNTS)
    head = (str(listing.listing_id), format_time(listing.began_at), listing.state, listing.code or "-")
    return (*head, *counts, truncate(listing.sentence, MAX_CELL_WIDTH))
